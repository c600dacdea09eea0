"""A declaration is checked when it is loaded, and every path of a sound one ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gongshu.kernel.clause import Basis
from gongshu.kernel.procedure import Clock, Field, Move, Procedure, ProcedureError, State, mermaid

B = Basis(("ZY-24.2",))


def make() -> Procedure:
    """Ask, answer within five working days, done; the answer may be sent back."""
    return Procedure(
        name="ask",
        label="问答",
        prefix="WD",
        subject="thing",
        initial="asked",
        roles=("provider", "demander"),
        states=(State("asked", "待答复"), State("answered", "待确认"), State("done", "办结", final=True)),
        moves=(
            Move(
                "answer",
                "答复",
                ("asked",),
                "answered",
                ("provider",),
                "share.reply",
                B,
                (Field("text", "内容"),),
            ),
            Move("object", "退回", ("answered",), "asked", ("demander",), "share.request", B),
            Move("confirm", "确认", ("answered",), "done", ("demander",), "share.request", B),
            Move("auto", "自动确认", ("answered",), "done", ("system",), "", B),
        ),
        clocks=(
            Clock("reply", "答复", 5, "provider", ("asked",), B, pauses_in=("answered",)),
            Clock("confirm", "确认", 7, "demander", ("answered",), B, on_lapse="auto"),
        ),
    )


def test_a_sound_procedure_passes() -> None:
    make().check()
    assert "asked --> answered" in mermaid(make())


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda p: replace(p, initial="nowhere"), "initial state nowhere"),
        (
            lambda p: replace(p, states=(*p.states, State("island", "孤岛", final=True))),
            "island cannot be reached",
        ),
        (lambda p: replace(p, moves=p.moves[:1]), "answered cannot be left"),
        (
            lambda p: replace(p, moves=(*p.moves, replace(p.moves[0], name="x", by=("king",)))),
            "unknown role king",
        ),
        (lambda p: replace(p, moves=(*p.moves, replace(p.moves[0], target="mars"))), "unknown state mars"),
        (lambda p: replace(p, moves=(*p.moves, p.moves[0])), "two moves named answer"),
        (
            lambda p: replace(p, moves=(*p.moves, replace(p.moves[0], name="x", sources=("done",)))),
            "final state done has moves",
        ),
        (lambda p: replace(p, clocks=(replace(p.clocks[0], on_lapse=""),)), "no lapse action"),
        (
            lambda p: replace(p, clocks=(replace(p.clocks[0], on_lapse="confirm"),)),
            "no system move of state asked",
        ),
        (lambda p: replace(p, clocks=(replace(p.clocks[0], owner="king"),)), "owned by unknown role king"),
        (lambda p: replace(p, clocks=(replace(p.clocks[0], runs_in=("mars",)),)), "unknown state mars"),
        (
            lambda p: replace(p, clocks=(replace(p.clocks[0], extend_to=3, extend_by="provider"),)),
            "cannot be extended",
        ),
        (
            lambda p: replace(p, moves=(*p.moves, replace(p.moves[0], name="x", joint=True))),
            "waits for nobody",
        ),
        (
            lambda p: replace(
                p, moves=(replace(p.moves[0], fields=(Field("a", "a", "colour"),)), *p.moves[1:])
            ),
            "unknown kind colour",
        ),
        (
            lambda p: replace(p, moves=(replace(p.moves[0], not_by_actor_of=("fly",)), *p.moves[1:])),
            "unknown move fly",
        ),
    ],
)
def test_an_unsound_one_is_refused_and_says_why(wrong, says: str) -> None:
    with pytest.raises(ProcedureError, match=says):
        wrong(make()).check()


def test_a_joint_move_waits_for_every_party() -> None:
    joint = Procedure(
        name="joint",
        label="会审",
        prefix="HS",
        subject="thing",
        initial="review",
        roles=("authority", "provider"),
        states=(
            State("review", "会审", all_of=("authority", "provider")),
            State("done", "办结", final=True),
            State("refused", "驳回", final=True),
        ),
        moves=(
            Move(
                "agree", "同意", ("review",), "done", ("authority", "provider"), "share.review", B, joint=True
            ),
            Move("refuse", "驳回", ("review",), "refused", ("authority", "provider"), "share.review", B),
        ),
    )
    joint.check()
    agree, refuse = joint.move("agree"), joint.move("refuse")
    state, pending = joint.after("review", joint.state("review").all_of, agree, "provider")
    assert (state, pending) == ("review", ("authority",))
    assert joint.after(state, pending, agree, "authority") == ("done", ())
    assert joint.after(state, pending, refuse, "authority") == ("refused", ())


def test_what_a_clock_does_as_a_case_moves() -> None:
    reply, confirm = make().clocks
    assert reply.follow("asked", None, running=False) == "start"
    assert reply.follow("answered", "asked", running=True) == "pause"
    assert reply.follow("asked", "answered", running=True) == "run"
    assert reply.follow("done", "answered", running=True) == "end"
    assert confirm.follow("asked", None, running=False) == ""
    yearly = Clock("yearly", "年度复核", 1, "provider", ("asked",), B, unit="y", direction="recurring")
    assert yearly.follow("asked", "asked", running=True) == "restart"
