from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "gongshu.governance"
    verbose_name = "治理"
