from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "gongshu.sharing"
    verbose_name = "共享"

    def ready(self) -> None:
        """Declare the procedures of this domain."""
        from . import links, procedures  # noqa: F401
