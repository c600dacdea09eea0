from django.apps import AppConfig


class DutyConfig(AppConfig):
    name = "gongshu.duty"
    verbose_name = "单位职责"
