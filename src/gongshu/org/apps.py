from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class OrgConfig(AppConfig):
    name = "gongshu.org"
    verbose_name = "单位与人员"

    def ready(self) -> None:
        """After every migration the role table is what the vocabulary says."""
        post_migrate.connect(_sync_roles, sender=self)


def _sync_roles(**_given: Any) -> None:
    from .models import RoleAction
    from .vocabulary import ROLE_ACTIONS

    RoleAction.objects.all().delete()
    RoleAction.objects.bulk_create(
        RoleAction(kind=kind, action=action, scope=scope)
        for kind, actions in ROLE_ACTIONS.items()
        for action, scope in actions.items()
    )
