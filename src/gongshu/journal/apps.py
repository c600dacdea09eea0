from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JournalConfig(AppConfig):
    name = "gongshu.journal"
    verbose_name = "事件"

    def ready(self) -> None:
        """Load what the domains declare: services and queries into the registry, procedures into theirs."""
        autodiscover_modules("services", "selectors", "procedures")
