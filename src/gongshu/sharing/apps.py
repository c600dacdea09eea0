from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "gongshu.sharing"
    verbose_name = "共享"
