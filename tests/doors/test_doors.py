"""One service, three doors: function (the console's), REST API and command line answer alike."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pytest
from django.test import Client

from gongshu.journal.registry import OPERATIONS, Operation
from gongshu.journal.services import Actor
from gongshu.kernel.errors import Refused
from gongshu.runner import cli
from gongshu.runner.doors import kind_of

pytestmark = pytest.mark.django_db
EVERY = sorted(OPERATIONS)


def example(annotation: Any) -> Any:
    """A well-formed value that names nothing that exists."""
    kind, inner = kind_of(annotation)
    if kind is list:
        return ["nothing" if inner is str else {"nothing": "x"}]
    return {bool: True, int: 999, date: date(2026, 12, 1), dict: {"nothing": "x"}}.get(kind, "nothing")


def given(operation: Operation) -> dict[str, Any]:
    return {name: example(p.annotation) for name, p in operation.parameters.items() if p.default is p.empty}


@pytest.fixture
def account():
    """A person without any post: may sign in, may do nothing."""
    from gongshu.org.models import Account

    return Account.objects.create_user("nobody", password="Nobody-2026-x")


@pytest.fixture
def token(account) -> str:
    import hashlib
    from datetime import timedelta

    from django.utils import timezone

    from gongshu.org.models import ApiToken

    now = timezone.now()
    ApiToken.objects.create(
        account=account,
        name="t",
        digest=hashlib.sha256(b"secret-token").hexdigest(),
        created_at=now,
        expires_at=now + timedelta(days=1),
    )
    return "secret-token"


def through_function(operation: Operation, account, values: dict[str, Any]) -> tuple[str, str]:
    try:
        operation.function(actor=Actor(account.pk, str(account)), **values)
    except Refused as refusal:
        return refusal.code, str(refusal)
    return "ok", ""


def through_api(operation: Operation, token: str, values: dict[str, Any]) -> tuple[str, str]:
    path = operation.path
    rest = {}
    for name, value in values.items():
        place = "{" + name + "}"
        if place in path:
            path = path.replace(place, str(value))
        else:
            rest[name] = value.isoformat() if isinstance(value, date) else value
    client = Client(headers={"Authorization": f"Bearer {token}"})
    if operation.method == "GET":
        answer = client.get("/api/v1" + path, rest)
    else:
        answer = client.generic(operation.method, "/api/v1" + path, json.dumps(rest), "application/json")
    if answer.status_code < 300:
        return "ok", ""
    assert answer["Content-Type"] == "application/problem+json", answer.content
    problem = answer.json()
    assert problem["type"].startswith("urn:gongshu:problem:") and problem["instance"]
    return problem["code"], problem["title"]


def through_command(operation: Operation, values: dict[str, Any], capsys) -> tuple[str, str]:
    group, _dot, command = operation.name.partition(".")
    words = [group, command, "--as", "nobody", "--json"]
    for name, value in values.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-"))
        elif isinstance(value, list | dict):
            inner = json.dumps(value, ensure_ascii=False)
            words += [
                flag,
                ",".join(value)
                if isinstance(value, list) and all(isinstance(v, str) for v in value)
                else inner,
            ]
        else:
            words += [flag, str(value)]
    parser = cli.build(words)
    args = parser.parse_args(words)
    capsys.readouterr()
    code = args.run(args)
    said = capsys.readouterr()
    if code == 0:
        return "ok", ""
    assert code == 2
    refusal = json.loads(said.err)
    return refusal["code"], refusal["title"]


@pytest.mark.parametrize("name", EVERY)
def test_the_three_doors_answer_alike(name: str, account, token: str, capsys) -> None:
    operation = OPERATIONS[name]
    values = given(operation)
    straight = through_function(operation, account, values)
    assert through_api(operation, token, values) == straight
    assert through_command(operation, values, capsys) == straight


@pytest.mark.parametrize("name", [n for n in EVERY if OPERATIONS[n].writes])
def test_nobody_changes_anything_without_a_post(name: str, account) -> None:
    from gongshu.journal.models import Event

    code, _said = through_function(OPERATIONS[name], account, given(OPERATIONS[name]))
    assert code != "ok"
    assert not Event.objects.exclude(type__startswith="access.").exists()


@pytest.mark.parametrize("name", EVERY)
def test_without_credentials_the_api_answers_nothing(name: str) -> None:
    operation = OPERATIONS[name]
    path = re.sub(r"\{\w+\}", "nothing", operation.path)
    answer = Client().generic(operation.method, "/api/v1" + path, "{}", "application/json")
    assert answer.status_code == 401


def test_the_openapi_document_has_every_operation() -> None:
    document = Client().get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    documented = {o["operationId"] for path in document["paths"].values() for o in path.values()}
    assert documented == set(OPERATIONS)


def test_a_repeated_write_answers_the_same_and_changes_nothing(office_token: str) -> None:
    from gongshu.journal.models import Event

    client = Client(headers={"Authorization": f"Bearer {office_token}", "Idempotency-Key": "k-1"})
    body = json.dumps({"unit": "office", "name": "社会救助系统", "business": "低保审核"})
    first = client.post("/api/v1/systems", body, "application/json")
    again = client.post("/api/v1/systems", body, "application/json")
    assert first.status_code == again.status_code == 200, first.content
    assert first.json() == again.json()
    assert Event.objects.filter(type="catalog.system.registered").count() == 1
    other = client.post(
        "/api/v1/systems",
        json.dumps({"unit": "office", "name": "另一系统", "business": "x"}),
        "application/json",
    )
    assert other.status_code == 409


@pytest.fixture
def office_token(account, token: str) -> str:
    """The same person, now a steward."""
    from gongshu.org.models import Post, Unit

    unit = Unit.objects.create(code="office", name="民政局", path="/office/", region="620700")
    Post.objects.create(account=account, unit=unit, kind="steward", starts=date(2020, 1, 1))
    return token
