"""The share request as a procedure: five packs, other orders of the same words, words nobody knows."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from gongshu.kernel.procedure import OVERDUE, ProcedureError
from gongshu.packs import Pack, load, packs
from gongshu.packs.model import Branch
from gongshu.sharing.flow import build, stations


def with_flow(pack: Pack, *words: str) -> Pack:
    """The pack with another conditional flow."""
    share = pack.root["share"]
    node = replace(share["conditional_flow"], v=words)
    members = {name: share[name] for name in share} | {"conditional_flow": node}
    sections = {name: pack.root[name] for name in pack.root} | {
        "share": Branch("share", MappingProxyType(members))
    }
    return replace(pack, root=Branch("", MappingProxyType(sections)))


@pytest.mark.parametrize("name", sorted(packs()))
def test_the_five_are_sound(name: str) -> None:
    build(load(name)).check()


def test_topologies_are_the_packs() -> None:
    assert [(s.state, s.roles) for s in stations(load("pujiang"))] == [
        ("intake", ("authority",)),
        ("consult", ("provider",)),
        ("decide", ("authority",)),
        ("grant", ("authority",)),
    ]
    assert [(s.state, s.roles) for s in stations(load("putuo"))] == [
        ("review", ("authority", "provider")),
        ("grant", ("data_center",)),
    ]
    assert [(s.state, s.roles) for s in stations(load("zhangye"))] == [
        ("intake", ("data_center", "provider")),
        ("reply", ("provider",)),
    ]
    assert [(s.state, s.roles) for s in stations(load("chongming"))] == [
        ("reply", ("provider",)),
        ("grant", ("authority",)),
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("provider_reply",),
        ("authority_intake", "provider_reply", "confirm"),
        ("provider_review", "authority_review"),
        ("provider_review", "authority_decide", "data_center_grant", "confirm"),
        ("authority_review", "grant"),
        (
            "data_center_and_provider_intake",
            "authority_review",
            "provider_review",
            "authority_decide",
            "grant",
        ),
        ("authority_decide", "provider_consult", "grant"),
    ],
)
@pytest.mark.parametrize("name", sorted(packs()))
def test_another_order_of_the_same_words_works(name: str, words: tuple[str, ...]) -> None:
    build(with_flow(load(name), *words)).check()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("provider_reply", "king_signs"), "unknown step king_signs"),
        (("provider_reply", "grant", "authority_decide"), "after the grant"),
        (("authority_intake", "grant"), "no step that answers"),
        (("provider_reply", "provider_reply"), "twice"),
    ],
)
def test_a_flow_that_cannot_be_run_is_an_error(words: tuple[str, ...], says: str) -> None:
    with pytest.raises(ProcedureError, match=says):
        build(with_flow(load("zhangye"), *words))


def test_clocks_run_from_where_the_text_says() -> None:
    zhangye, pujiang = build(load("zhangye")), build(load("pujiang"))
    assert zhangye.clock("reply").runs_in == ("intake", "reply")  # 自申请起 (ZY-24.2)
    assert pujiang.clock("reply").runs_in == ("consult",)  # 收到征求意见起 (PJ-30.3a)
    assert zhangye.clock("confirm").on_lapse == "auto_confirm"
    assert "confirm" not in {c.name for c in pujiang.clocks}
    assert {c.on_lapse for c in pujiang.clocks} == {OVERDUE}


def test_what_the_text_does_not_say_is_marked_as_a_gap() -> None:
    xinchang = build(load("xinchang"))
    assert xinchang.move("agree").basis.gap and xinchang.clock("reply").basis.source == "national-2025"
    assert not build(load("zhangye")).move("agree").basis.gap
    assert all(p.move("withdraw").basis.gap for p in (build(load(n)) for n in packs()))
