from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "gongshu.catalog"
    verbose_name = "目录"

    def ready(self) -> None:
        """Bring in the queries that stand outside `selectors`."""
        from . import coverage  # noqa: F401
