"""Everything that changes sharing. Other domains call these functions and nothing below them."""

from .clients import client_register, client_retire, client_revoke, client_rotate
from .grants import grant_resume, grant_revoke, grant_suspend, grants_expire
from .requests import share_request_amend, share_request_submit

__all__ = [
    "client_register",
    "client_retire",
    "client_revoke",
    "client_rotate",
    "grant_resume",
    "grant_revoke",
    "grant_suspend",
    "grants_expire",
    "share_request_amend",
    "share_request_submit",
]
