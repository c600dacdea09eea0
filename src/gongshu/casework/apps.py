from django.apps import AppConfig


class CaseworkConfig(AppConfig):
    name = "gongshu.casework"
    verbose_name = "办件"
