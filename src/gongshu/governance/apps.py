from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "gongshu.governance"
    verbose_name = "治理"

    def ready(self) -> None:
        """Declare the procedures of this domain."""
        from . import procedures  # noqa: F401
