"""Who may see a proof, what the doors answer, and the commands."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation
from tests.evidence.conftest import append

from gongshu.evidence import commands, selectors
from gongshu.evidence.models import Log
from gongshu.evidence.services import seal, seal_all
from gongshu.evidence.tree import ledger_key
from gongshu.journal.services import Actor
from gongshu.kernel.errors import NotAllowed, NotFound
from gongshu.org.models import Account, Post, Unit

pytestmark = pytest.mark.django_db(transaction=True)


def person(name: str, unit: Unit, kind: str) -> Actor:
    account = Account.objects.create(username=name)
    Post.objects.create(account=account, unit=unit, kind=kind, starts=date(2020, 1, 1))
    return Actor(account.pk, name)


@pytest.fixture
def people() -> dict[str, Any]:
    own = Unit.objects.create(code="own", name="民政局", path="/own/")
    other = Unit.objects.create(code="other", name="住建局", path="/other/")
    return {
        "unit": own,
        "steward": person("steward", own, "steward"),
        "stranger": person("stranger", other, "steward"),
        "auditor": person("auditor", other, "auditor"),
    }


def test_a_receipt_is_for_those_who_may_see_the_event(people: dict[str, Any]) -> None:
    (number,) = append(1, unit=people["unit"].pk)
    seal()
    for name in ("steward", "auditor"):
        given = selectors.evidence_receipt(actor=people[name], event=str(number))
        assert given["filename"] == f"sharing.grant.issued-{number}.tlog-proof"
        assert given["content"].startswith("c2sp.org/tlog-proof@v1\n")
    uuid = str(selectors.event_get(people["steward"], str(number)).uuid)
    assert selectors.event_get(people["steward"], uuid).pk == number
    for wrong in (str(number), uuid):
        with pytest.raises(NotFound):
            selectors.evidence_receipt(actor=people["stranger"], event=wrong)
    for wrong in ("", "x", "9" * 30, "²", f"{uuid}0"):
        with pytest.raises(NotFound):
            selectors.evidence_receipt(actor=people["auditor"], event=wrong)


def test_the_audit_trail_shows_what_may_be_seen(people: dict[str, Any]) -> None:
    append(3, unit=people["unit"].pk)
    seal()
    append(1, unit=people["unit"].pk, type="catalog.entry.published")
    seen = selectors.evidence_events(actor=people["auditor"])
    assert seen["count"] == 4 and [row["sealed"] for row in seen["rows"]] == [False, True, True, True]
    assert selectors.evidence_events(actor=people["stranger"])["count"] == 0
    assert selectors.evidence_events(actor=people["steward"], type="catalog.")["count"] == 1
    assert selectors.evidence_events(actor=people["auditor"], subject="SQ-0002")["count"] == 1
    assert selectors.evidence_events(actor=people["auditor"], q="低保")["count"] == 4
    assert selectors.evidence_events(actor=people["auditor"], case="GX-20260101-0001")["count"] == 0


def test_only_the_auditor_has_the_ledger_recomputed(people: dict[str, Any]) -> None:
    append(2)
    seal()
    assert selectors.evidence_verify(actor=people["auditor"])["ok"] is True
    with pytest.raises(NotAllowed):
        selectors.evidence_verify(actor=people["steward"])
    heads = selectors.evidence_heads(actor=people["steward"])
    assert heads["chain"]["head"]["size"] == 2 and heads["audit"]["head"] is None
    assert heads["chain"]["key"] == str(ledger_key(Log.CHAIN))


def test_the_ledger_keeps_the_name_it_began_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGSHU_LEDGER_NAME", "county.example")
    assert ledger_key(Log.CHAIN).name == "county.example/chain"
    append(1)
    seal()
    monkeypatch.setenv("GONGSHU_LEDGER_NAME", "other.example")
    assert ledger_key(Log.CHAIN).name == "county.example/chain"
    assert ledger_key(Log.AUDIT).name == "other.example/audit"


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    commands.register(parser.add_subparsers())
    args = parser.parse_args(words)
    return int(args.run(args))


@pytest.fixture
def language() -> Iterator[None]:
    with translation.override("zh-hans"):
        yield


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], language: None) -> None:
    (number,) = append(1)
    out = tmp_path / "a.tlog-proof"
    assert run("audit", "receipt", str(number)) == 2 and "尚未存证" in capsys.readouterr().err
    assert run("audit", "receipt", str(number), "--lang", "en") == 2
    assert "not yet sealed" in capsys.readouterr().err
    assert run("audit", "seal") == 0 and "已封存至第 1 条" in capsys.readouterr().out
    assert run("audit", "seal", "--lang", "en") == 0 and "nothing to seal" in capsys.readouterr().out
    assert run("audit", "receipt", str(number), "--out", str(out)) == 0
    assert run("audit", "receipt", "999999") == 2
    capsys.readouterr()
    assert run("audit", "key") == 0
    (tmp_path / "key").write_text(capsys.readouterr().out)
    assert run("verify", str(out), "--key", str(tmp_path / "key"), "--lang", "en") == 0
    assert "Proved" in capsys.readouterr().out
    assert run("audit", "verify") == 0 and "账本完整" in capsys.readouterr().out
    assert run("audit", "verify", "--json") == 0
    assert [each["log"] for each in json.loads(capsys.readouterr().out)] == ["chain", "audit"]


@pytest.mark.parametrize(("lang", "words"), [("zh", "第一处不符"), ("en", "has been changed")])
def test_the_first_bad_record_is_named(
    intruder: Any, capsys: pytest.CaptureFixture[str], lang: str, words: str
) -> None:
    numbers = append(3)
    seal_all()
    intruder("UPDATE journal_event SET actor_name = '别人' WHERE id = %s", numbers[1])
    assert run("audit", "verify", "--lang", lang) == 1
    error = capsys.readouterr().err
    assert f"journal_event {numbers[1]}" in error and words in error


def test_verifying_needs_no_django() -> None:
    code = (
        "import sys, argparse; from gongshu.evidence import commands;"
        "commands.register(argparse.ArgumentParser().add_subparsers());"
        "sys.exit(any(name == 'django' or name.startswith('django.') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
