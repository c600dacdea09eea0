"""The command-line door: options from the parameters of a service, refusals with their clause, results as shown."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from gongshu.journal import registry
from gongshu.journal.models import Event
from gongshu.journal.registry import OPERATIONS, Operation
from gongshu.journal.services import Actor
from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import Invalid
from gongshu.org.models import Account, Post, Unit
from gongshu.runner import cli, doors


def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    doors.register(parser.add_subparsers(dest="group"))
    args = parser.parse_args(words)
    return int(args.run(args))


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """An operation with every kind of parameter; what it was called with."""
    seen: list[dict[str, Any]] = []

    def all_kinds(
        *,
        actor: Actor,
        entry_code: str,
        count: int = 1,
        urgent: bool = False,
        day: date | None = None,
        names: list[str] | None = None,
        items: list[dict[str, Any]] | None = None,
        given: dict[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Take anything."""
        if count < 0:
            raise Invalid("数目不能小于零。", field="count", basis=Basis(("ZY-24.2",)))
        seen.append(
            {
                "entry_code": entry_code,
                "count": count,
                "urgent": urgent,
                "day": day,
                "names": names,
                "items": items,
                "given": given,
            }
        )
        return [{"名称": entry_code, "count": count}]

    monkeypatch.setattr(
        registry,
        "OPERATIONS",
        {"echo.all_kinds": Operation("echo.all_kinds", "POST", "/e", "回声", all_kinds, True)},
    )
    yield seen


@pytest.fixture
def wei(db: None) -> Account:
    account = Account.objects.create(username="wei", display_name="魏某")
    unit = Unit.objects.create(code="county", name="某县", path="/county/")
    Post.objects.create(account=account, unit=unit, kind="sysadmin", starts=date(2020, 1, 1))
    return account


def test_every_kind_of_parameter_reaches_the_service(
    echo: list[dict[str, Any]], wei: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "g.json"
    file.write_text('{"a": [1]}', encoding="utf-8")
    words = [
        "echo",
        "all_kinds",
        "--as",
        "wei",
        "--entry-code",
        "E1",
        "--count",
        "3",
        "--urgent",
        "--day",
        "2026-12-01",
    ]
    words += [
        "--names",
        "甲,乙",
        "--names",
        "丙",
        "--items",
        '[{"x": 1}]',
        "--items",
        '{"x": 2}',
        "--given",
        f"@{file}",
    ]
    assert command(*words) == 0
    assert echo == [
        {
            "entry_code": "E1", "count": 3, "urgent": True, "day": date(2026, 12, 1), "names": ["甲", "乙", "丙"],
            "items": [{"x": 1}, {"x": 2}], "given": {"a": [1]},
        }
    ]  # fmt: skip
    assert capsys.readouterr().out == "名称  count\nE1    3\n"


def test_what_is_not_given_keeps_the_services_default(echo: list[dict[str, Any]], wei: Account) -> None:
    assert command("echo", "all_kinds", "--as", "wei", "--entry_code", "@@x") == 0
    assert echo[0]["entry_code"] == "@x"
    assert (echo[0]["count"], echo[0]["names"], echo[0]["urgent"]) == (1, None, False)


def test_a_refusal_exits_2_with_field_and_clause(
    echo: list[dict[str, Any]], wei: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("echo", "all_kinds", "--as", "wei", "--entry-code", "E1", "--count", "-1")
    assert command(*words) == 2
    said = capsys.readouterr().err
    assert "数目不能小于零。" in said
    assert "ZY-24.2 第二十四条" in said
    assert command(*words, "--json") == 2
    problem = json.loads(capsys.readouterr().err)
    assert (problem["code"], problem["field"], problem["basis"]["clauses"]) == (
        "invalid",
        "count",
        ["ZY-24.2"],
    )


@pytest.mark.parametrize("account", [None, "nobody"])
def test_nobody_in_particular_may_do_nothing(
    echo: list[dict[str, Any]], wei: Account, account: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("echo", "all_kinds", *(("--as", account) if account else ()), "--entry-code", "E") == 2
    assert echo == []
    assert capsys.readouterr().err


def test_a_missing_or_malformed_option_is_a_usage_error(echo: list[dict[str, Any]], wei: Account) -> None:
    for words in (
        ("--count", "1"),
        ("--entry-code", "E", "--given", "{"),
        ("--entry-code", "E", "--day", "morgen"),
    ):
        with pytest.raises(SystemExit) as ended:
            command("echo", "all_kinds", "--as", "wei", *words)
        assert ended.value.code == 2
    assert echo == []


def test_a_real_service_is_the_same_one_and_says_it_came_by_the_command_line(
    wei: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (
        "org",
        "unit_create",
        "--as",
        "wei",
        "--code",
        "civil",
        "--name",
        "民政局",
        "--parent",
        "county",
        "--json",
    )
    assert command(*words) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "民政局"
    event = Event.objects.latest("id")
    assert (event.type, event.via, event.actor_name) == ("org.unit.created", "cli", "魏某")
    assert command(*words) == 2  # the code is taken


@pytest.mark.django_db
def test_the_language_of_a_refusal_can_be_chosen(wei: Account, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("org", "unit_create", "--as", "wei", "--code", "BAD CODE", "--name", "x")
    command(*words)
    zh = capsys.readouterr().err
    command(*words, "--lang", "en")
    en = capsys.readouterr().err
    assert zh != en
    assert en.isascii()


def test_every_registered_operation_has_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers(dest="group")
    doors.register(subparsers)
    for name in OPERATIONS:
        group, _dot, verb = name.partition(".")
        with pytest.raises(SystemExit) as ended:
            parser.parse_args([group, verb, "--help"])
        assert ended.value.code == 0
    assert capsys.readouterr().out


def test_pack_commands_need_neither_django_nor_database(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unwanted() -> None:
        raise AssertionError("Django was set up")

    monkeypatch.setattr(cli, "django_ready", unwanted)
    assert cli.main(["pack", "show", "share.reply_within"]) == 0
    assert "ZY-" in capsys.readouterr().out


def test_own_commands_take_no_word_of_a_domain_and_no_domain_command_is_lost() -> None:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers(dest="group")
    cli._own_commands(subparsers)
    own = set(subparsers.choices)
    assert not {name.partition(".")[0] for name in OPERATIONS} & own


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
