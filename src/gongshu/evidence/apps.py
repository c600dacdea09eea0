from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    name = "gongshu.evidence"
    verbose_name = "存证"
