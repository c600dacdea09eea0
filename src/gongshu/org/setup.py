"""The first unit and the three administrators of a new installation, from whom everybody else gets their account."""

from __future__ import annotations

import secrets
import string

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.translation import gettext as _

from gongshu.journal import clock
from gongshu.journal.services import SYSTEM
from gongshu.kernel.errors import Conflict

from .accounts import account_enter
from .models import Account
from .services import post_enter, unit_create
from .vocabulary import ADMINISTRATORS, PostKind

_SIGNS = string.ascii_letters + string.digits


def installation_set_up(*, code: str, name: str, region: str = "") -> dict[str, str]:
    """Make the root unit and one account for each administrator post (三员); user name -> first password.

    The passwords are shown this once and must be changed at the first sign-in. Refused where accounts exist.
    """
    with transaction.atomic():
        if Account.objects.exists():
            raise Conflict(_("本平台已有账号，不能再次初始化；请由系统管理员新建账号。"))
        unit = unit_create(actor=SYSTEM, code=code, name=name, region=region)
        made: dict[str, str] = {}
        for kind in ADMINISTRATORS:
            password = "".join(secrets.choice(_SIGNS) for _n in range(16)) + "-7a"
            label = str(PostKind(kind).label)
            account = account_enter(
                actor=SYSTEM, username=str(kind), name=label, password=make_password(password)
            )
            post_enter(actor=SYSTEM, holder=account, unit=unit, kind=kind, starts=clock.today(), ends=None)
            made[str(kind)] = password
    return made
