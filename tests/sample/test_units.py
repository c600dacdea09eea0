"""Units and people of the county under every pack: the right bodies, no forbidden posts, safe to load again."""

from __future__ import annotations

from datetime import date

import pytest

from gongshu.console import second_factor
from gongshu.journal import clock
from gongshu.journal.models import Event
from gongshu.org.models import Account, BodyRole, Post, Unit
from gongshu.org.policy import body_unit, may
from gongshu.org.selectors import gaps_of_all
from gongshu.org.vocabulary import ADMINISTRATORS, APPROVERS, BodyKind
from gongshu.packs import load, packs
from gongshu.sample import acting, units

pytestmark = pytest.mark.django_db
DAY = date(2026, 4, 8)


@pytest.fixture
def county(settings):
    """Load the units under a pack."""

    def made(pack: str) -> None:
        settings.GONGSHU_PACK = pack
        with clock.travel(DAY):
            units.units_load(clock.today())

    return made


@pytest.mark.parametrize("name", sorted(packs()))
def test_every_body_the_text_names_is_a_unit_and_holds_its_role(county, name) -> None:
    county(name)
    for role in BodyKind.values:
        node, held = load(name).node(f"bodies.{role}"), body_unit(role)
        if node.v is None:
            assert held is None, role
        elif role == "police":
            assert held and held.code == "ga"
        else:
            assert held and held.name == node.v, role
    assert Unit.objects.count() >= 14
    assert BodyRole.objects.filter(role__in=["authority", "data_center"]).count() == 2


@pytest.mark.parametrize("name", sorted(packs()))
def test_no_one_holds_posts_that_exclude_each_other(county, name) -> None:
    county(name)
    for account in Account.objects.prefetch_related("posts"):
        kinds = {p.kind for p in account.posts.all()}
        assert len(kinds & set(ADMINISTRATORS)) <= 1, account
        assert not kinds & set(ADMINISTRATORS) or kinds <= set(ADMINISTRATORS), account
    assert {p.kind for p in Post.objects.all()} >= set(ADMINISTRATORS)


def test_loading_again_changes_nothing(county) -> None:
    county("pujiang")
    before = [model.objects.count() for model in (Unit, Account, Post, BodyRole, Event)]
    county("pujiang")
    assert [model.objects.count() for model in (Unit, Account, Post, BodyRole, Event)] == before


def test_an_upper_body_stands_above_the_town(county) -> None:
    county("pujiang")
    assert Unit.objects.get(code="center").path == "/upper/center/"


def test_accounts_are_plainly_invented_and_approvers_can_sign_in(county) -> None:
    county("xinchang")
    for username in (
        "mz_steward",
        "mz_reviewer",
        "authority_reviewer",
        "center_reviewer",
        "yb_steward",
        "sysadmin",
    ):
        account = Account.objects.get(username=username)
        assert account.check_password(second_factor.SAMPLE_PASSWORD)
        assert "甲" in account.display_name
    needs = Account.objects.filter(posts__kind__in=APPROVERS).distinct()
    assert needs and all(second_factor.has_one(account) for account in needs)
    assert second_factor.sample_code(Account.objects.get(username="mz_reviewer"))
    assert Post.objects.filter(unit__code="authority", account__username="center_reviewer").exists()


def test_one_unit_lacks_something_on_purpose(county) -> None:
    county("putuo")
    assert {gap.unit.code for gap in gaps_of_all()} >= {units.LACKING}
    assert all(gap.basis.clauses for gap in gaps_of_all())


ROUTES = (
    ("PT-5.1a", "putuo", "区政府办公室", ("share_reviewers",)),
    ("PT-5.1b", "putuo", "区大数据中心", ("catalog_reviewer", "access_granter")),
    (
        "ZY-5.1b",
        "zhangye",
        "市大数据中心",
        ("catalog_reviewer", "catalog_change_reviewer", "collect_change_reviewer"),
    ),
    (
        "XC-1.4a",
        "xinchang",
        "县大数据主管部门",
        ("catalog_reviewer", "catalog_change_reviewer", "collect_change_reviewer", "issue_verifier"),
    ),
)


@pytest.mark.parametrize(
    ("clause", "name", "body", "keys"),
    [pytest.param(*route, marks=pytest.mark.clause(route[0]), id=route[0]) for route in ROUTES],
)
def test_reviews_go_to_the_body_the_text_names(county, clause, name, body, keys) -> None:
    county(name)
    pack = load(name)
    named = [pack.bodies[role].basis.clauses for role in ("authority", "data_center")]
    assert any(clause in clauses for clauses in named)
    for key in keys:
        roles = pack.node(f"bodies.{key}").v
        held = {body_unit(r).name for r in ([roles] if isinstance(roles, str) else roles) if r != "provider"}
        assert held == {body}
    someone = acting.holder("catalog.review", Unit.objects.get(name=body))
    assert may(someone, "share.grant", Unit.objects.get(name=body))
    if clause == "PT-5.1b":
        assert body_unit("data_center") != body_unit("authority")
