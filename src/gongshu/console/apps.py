from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ConsoleConfig(AppConfig):
    name = "gongshu.console"
    verbose_name = "控制台"

    def ready(self) -> None:
        """Load what the domains add to the console's pages."""
        from . import wording  # noqa: F401 - the console's own wording of events

        autodiscover_modules("panels")
