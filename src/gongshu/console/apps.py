from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "gongshu.console"
    verbose_name = "控制台"
