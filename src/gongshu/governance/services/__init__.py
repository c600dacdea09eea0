"""Everything that changes governance. Other domains call these functions and nothing below them."""

from .issues import issue_report
from .rules import rule_change, rule_save, rules_generate

__all__ = ["issue_report", "rule_change", "rule_save", "rules_generate"]
