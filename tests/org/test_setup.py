"""The first accounts of a new installation."""

from __future__ import annotations

import pytest

from gongshu.kernel.errors import Conflict
from gongshu.org.models import Account, Post
from gongshu.org.setup import installation_set_up

pytestmark = pytest.mark.django_db


def test_three_separate_administrators_who_must_change_their_passwords() -> None:
    made = installation_set_up(code="zy", name="示例市", region="620700")
    assert len(made) == 3
    for username, password in made.items():
        account = Account.objects.get(username=username)
        assert account.check_password(password) and account.must_change_password
        assert list(Post.objects.filter(account=account).values_list("kind", flat=True)) == [username]


def test_it_works_once() -> None:
    installation_set_up(code="zy", name="示例市")
    with pytest.raises(Conflict):
        installation_set_up(code="zy2", name="另一个市")
