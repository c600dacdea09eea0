"""What this domain adds to the console: its entry in the menu, for whoever may see units and people."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from gongshu.console import navigation

navigation.register(
    navigation.Item(_("单位与人员"), "org:units", "building", 70, prefix="/org/", actions=("org.view",))
)
