"""Units, bodies, posts: the tree keeps its paths, posts wait for their day, three administrators are three people."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gongshu.journal import clock
from gongshu.journal.models import Event
from gongshu.journal.services import SYSTEM
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from gongshu.org import selectors, services
from gongshu.org.models import Post, Unit
from gongshu.org.policy import explain, may
from gongshu.org.vocabulary import ACTIONS, ADMINISTRATORS, ROLE_ACTIONS, PostKind

from .conftest import TODAY

pytestmark = pytest.mark.django_db


def test_a_moved_unit_takes_its_subtree_along(place) -> None:
    admin = place.actors["sysadmin"]
    services.unit_create(actor=admin, code="mz-dibao", name="低保中心", parent="mz")
    services.unit_create(actor=admin, code="mz-dibao-1", name="一科", parent="mz-dibao")
    services.unit_move(actor=admin, unit="mz", parent="rs")
    assert dict(Unit.objects.filter(code__startswith="mz").values_list("code", "path")) == {
        "mz": "/gov/rs/mz/",
        "mz-dibao": "/gov/rs/mz/mz-dibao/",
        "mz-dibao-1": "/gov/rs/mz/mz-dibao/mz-dibao-1/",
    }
    assert may(place.actors["rs_reviewer"], "case.view", Unit.objects.get(code="mz-dibao-1"))
    with pytest.raises(Refused, match="下级"):
        services.unit_move(actor=admin, unit="rs", parent="mz-dibao")
    services.unit_move(actor=admin, unit="mz", parent=None)
    assert Unit.objects.get(code="mz-dibao").path == "/mz/mz-dibao/"
    assert Event.objects.filter(type="org.unit.moved").count() == 2


def test_units_are_made_and_closed_by_the_system_administrator_only(place) -> None:
    for who in place.actors:
        if not who.startswith("sysadmin"):
            with pytest.raises(NotAllowed):
                services.unit_create(actor=place.actors[who], code="x", name="x")
    admin = place.actors["sysadmin"]
    with pytest.raises(Invalid) as refusal:
        services.unit_create(actor=admin, code="大写 X", name="x")
    assert refusal.value.field == "code"
    with pytest.raises(Conflict):
        services.unit_create(actor=admin, code="mz", name="x")
    services.unit_rename(actor=admin, unit="mz", name="民政和救助局")
    assert Unit.objects.get(code="mz").name == "民政和救助局"
    with pytest.raises(Refused, match="在任"):
        services.unit_close(actor=admin, unit="mz")
    with pytest.raises(Refused, match="角色"):
        services.unit_close(actor=admin, unit="auth")
    services.unit_create(actor=admin, code="empty", name="空")
    assert not services.unit_close(actor=admin, unit="empty").active


def test_a_body_role_is_given_by_the_security_administrator(place) -> None:
    with pytest.raises(NotAllowed):
        services.body_assign(actor=place.actors["sysadmin"], role="authority", unit="mz")
    services.body_assign(actor=place.actors["secadmin"], role="data_center", unit="mz")
    rows = {row.role: row for row in selectors.body_rows()}
    assert (rows["data_center"].unit.code, rows["data_center"].basis.clauses) == ("mz", ("ZY-5.1b",))
    assert rows["authority"].unit.code == "auth"
    event = Event.objects.filter(type="org.body.assigned").latest("id")
    assert (event.body["before"], event.clauses) == ("auth", ["ZY-5.1b"])


@pytest.mark.parametrize("first", [*ADMINISTRATORS, PostKind.STEWARD])
@pytest.mark.parametrize("second", [*ADMINISTRATORS, PostKind.REVIEWER])
def test_no_one_wears_two_hats(place, first, second) -> None:
    give = {"actor": place.actors["sysadmin"], "account": "newcomer", "unit": "gov"}
    services.post_assign(**give, kind=first)
    if first == second or {first, second} == {PostKind.STEWARD, PostKind.REVIEWER}:
        return
    with pytest.raises(Refused, match="三员分立"):
        services.post_assign(**give, kind=second)
    with pytest.raises(Refused, match="三员分立"):  # nor later, while the first lasts
        services.post_assign(**give, kind=second, starts=TODAY + timedelta(days=30))
    held = Post.objects.get(account__username="newcomer")
    Post.objects.filter(pk=held.pk).update(ends=TODAY + timedelta(days=9))
    services.post_assign(**give, kind=second, starts=TODAY + timedelta(days=10))


def test_nobody_gives_a_post_to_himself(place) -> None:
    with pytest.raises(Refused, match="自己"):
        services.post_assign(actor=place.actors["sysadmin"], account="sysadmin", unit="mz", kind="security")


def test_the_administrators_share_no_action_but_looking(place) -> None:
    for kind in ADMINISTRATORS:
        others = [k for k in ROLE_ACTIONS if k != kind]
        mine = {a for a in ROLE_ACTIONS[kind] if not a.endswith(".view")}
        assert not any(mine & set(ROLE_ACTIONS[other]) for other in others)
    assert all(action.endswith(".view") for action in ROLE_ACTIONS[PostKind.AUDITOR])


def test_the_auditor_sees_everything(place) -> None:
    auditor = place.actors["auditor"]
    views = {a for a in ACTIONS if a.endswith(".view")} - {"data.view"}
    assert views == set(ROLE_ACTIONS[PostKind.AUDITOR])
    for action in views:
        for unit in Unit.objects.all():
            assert may(auditor, action, unit)


def test_a_post_to_come_waits_for_its_day(place, day) -> None:
    new = place.actors["newcomer"]
    mz = Unit.objects.get(code="mz")
    services.post_assign(
        actor=place.actors["sysadmin"],
        account="newcomer",
        unit="mz",
        kind="security",
        starts=date(2026, 4, 15),
        ends=date(2026, 4, 30),
    )
    assert not may(new, "share.view", mz)
    assert "2026-04-15" in explain(new, "share.view", mz).reason
    assert [p.kind for p in selectors.unit_posts(mz, selectors.FUTURE)] == ["security"]
    for text, held in (
        ("2026-04-14", False),
        ("2026-04-15", True),
        ("2026-04-30", True),
        ("2026-05-01", False),
    ):
        day(text)
        assert may(new, "share.view", mz) is held, text
    assert [p.account.username for p in selectors.unit_posts(mz, selectors.PAST)] == ["newcomer"]


def test_a_post_begins_today_at_the_earliest_and_ends_after_it_begins(place) -> None:
    give = {"actor": place.actors["sysadmin"], "account": "newcomer", "unit": "mz", "kind": "security"}
    with pytest.raises(Invalid, match="早于今天"):
        services.post_assign(**give, starts=date(2026, 4, 7))
    with pytest.raises(Invalid, match="早于任职"):
        services.post_assign(**give, starts=date(2026, 4, 9), ends=date(2026, 4, 8))
    post = services.post_assign(**give)
    with pytest.raises(Conflict):
        services.post_assign(**give, starts=date(2026, 5, 1))
    with pytest.raises(Invalid):
        services.post_end(actor=place.actors["sysadmin"], post=post.pk, ends=date(2026, 4, 1))
    assert services.post_end(actor=place.actors["sysadmin"], post=post.pk, ends=TODAY).ends == TODAY


def test_the_head_does_the_stewards_work_while_there_is_no_steward(place, day) -> None:
    head, mz = place.actors["mz_head"], Unit.objects.get(code="mz")
    assert not may(head, "issue.handle", mz)
    steward = Post.objects.get(account__username="mz_steward")
    services.post_leave(actor=SYSTEM, post=steward, ends=TODAY)
    assert not may(head, "issue.handle", mz)
    day("2026-04-09")
    assert may(head, "issue.handle", mz)
    assert not may(head, "issue.handle", Unit.objects.get(code="rs"))
    assert "代行数据专管员" in explain(head, "issue.handle", mz).reason


def test_what_a_unit_lacks_is_listed_with_its_clause(place, settings) -> None:
    mz = Unit.objects.get(code="mz")

    def lacking(pack: str) -> dict[str, tuple[str, ...]]:
        settings.GONGSHU_PACK = pack
        return {gap.label: gap.basis.clauses for gap in selectors.unit_gaps(mz)}

    assert lacking("zhangye") == {"数据安全负责人": ("ZY-30.3b",)}
    assert lacking("xinchang") == {"问题数据管理员": ("XC-4.3a",)}
    assert lacking("pujiang") == {"安全员": ("PJ-35.3",), "安全责任科室": ("PJ-35.3",)}
    assert set(lacking("chongming")) == {"业务科室（实施机构）", "工作目标", "责任分工"}
    services.unit_profile(
        actor=place.actors["mz_steward"],
        unit="mz",
        profile={"goals": "应编尽编", "responsibility": "专人负责"},
    )
    mz.refresh_from_db()
    assert lacking("chongming") == {"业务科室（实施机构）": ("CM-5.1a",)}
    settings.GONGSHU_PACK = "putuo"
    Post.objects.filter(account__username="mz_head").update(
        ends=TODAY - timedelta(days=1), starts=date(2026, 1, 1)
    )
    clauses = {g.label: g.basis.clauses for g in selectors.gaps_of_all() if g.unit == mz}
    assert clauses["单位负责人"] == ("PT-5.3a",)
    assert clauses["业务科室（实施机构）"] == ("PT-5.3b",)


def test_submitting_is_held_until_a_steward_is_registered(place) -> None:
    mz = Unit.objects.get(code="mz")
    selectors.require_steward(mz)
    Post.objects.filter(account__username="mz_steward").update(starts=date(2026, 1, 1), ends=date(2026, 4, 7))
    with pytest.raises(Refused) as refusal:
        selectors.require_steward(mz)
    assert refusal.value.basis.clauses == ("ZY-5.4a",)
    services.post_assign(actor=place.actors["sysadmin"], account="newcomer", unit="mz", kind="steward")
    selectors.require_steward(mz)


def test_the_support_contact_is_stated_or_the_steward(place) -> None:
    mz = Unit.objects.get(code="mz")
    assert "mz_steward" in selectors.support_contact(mz)
    services.unit_profile(
        actor=place.actors["mz_head"], unit="mz", profile={"support_contact": "救助科 0936-0000000"}
    )
    mz.refresh_from_db()
    assert selectors.support_contact(mz) == "救助科 0936-0000000"
    with pytest.raises(NotAllowed):
        services.unit_profile(actor=place.actors["mz_head"], unit="rs", profile={})


def test_unknown_things_are_not_found(place) -> None:
    admin = place.actors["sysadmin"]
    with pytest.raises(NotFound):
        services.post_assign(actor=admin, account="nobody", unit="mz", kind="security")
    with pytest.raises(NotFound):
        services.post_assign(actor=admin, account="newcomer", unit="nowhere", kind="security")
    with pytest.raises(NotFound):
        selectors.posts(actor=admin, when="later")


def test_time_travel_is_for_sample_installations(settings) -> None:
    with clock.travel(date(2026, 2, 3), 14, 5):
        assert (clock.today(), clock.now().hour) == (date(2026, 2, 3), 14)
    settings.GONGSHU_SAMPLE = False
    with pytest.raises(RuntimeError), clock.travel(date(2026, 2, 3)):
        pass
