from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "gongshu.catalog"
    verbose_name = "目录"
