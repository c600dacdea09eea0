"""Registering systems and connecting sources, and every way in which that goes wrong."""

from __future__ import annotations

import json
import socket
from types import SimpleNamespace

import psycopg
import pytest
from django.utils import translation
from tests.catalog.world import make_source, make_system, spec_of

from gongshu.catalog import selectors, services
from gongshu.catalog.messages import MESSAGES
from gongshu.catalog.models import DataSource, System
from gongshu.engine.source import CODES
from gongshu.journal.models import Event
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refused

pytestmark = pytest.mark.django_db


def register(world: SimpleNamespace, dsn: str, **changed: object) -> DataSource:
    given = {**spec_of(dsn), **changed}
    system = System.objects.filter(unit=world.units["civil"]).first() or make_system(world)
    return services.source_register(
        actor=world.actors["civil_steward"], system=system.code, name="库", **given
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_every_code_of_the_engine_has_a_message() -> None:
    assert set(MESSAGES) == set(CODES)


def test_a_system_gets_a_code_of_its_own(world: SimpleNamespace) -> None:
    system = make_system(world)
    assert system.code == f"{world.units['civil'].code}-XT001"
    assert Event.objects.filter(type="catalog.system.registered", subject_id=system.code).exists()
    with pytest.raises(Conflict):
        make_system(world)
    with pytest.raises(NotAllowed):
        services.system_register(
            actor=world.actors["health_steward"], unit=world.units["civil"].code, name="甲", business="乙"
        )


@pytest.mark.clause("XC-2.3a")
def test_a_survey_states_ownership_and_date(world: SimpleNamespace, settings: object) -> None:
    settings.GONGSHU_PACK = "xinchang"
    system = make_system(world)
    assert system.ownership == "own" and system.surveyed_on is not None
    services.system_edit(
        actor=world.actors["civil_steward"], system=system.code, fields={"ownership": "used"}
    )
    assert System.objects.get(pk=system.pk).ownership == "used"
    with pytest.raises(Invalid) as stray:
        services.system_edit(
            actor=world.actors["civil_steward"], system=system.code, fields={"ownership": "x"}
        )
    assert stray.value.field == "ownership"


@pytest.mark.clause("PJ-11.2a")
def test_a_platform_of_ones_own_is_barred_in_pujiang(world: SimpleNamespace, settings: object) -> None:
    barred(world, settings, "pujiang", "platform", "PJ-11.2a")


@pytest.mark.clause("PT-23.2a")
def test_an_exchange_system_is_barred_in_putuo(world: SimpleNamespace, settings: object) -> None:
    barred(world, settings, "putuo", "exchange", "PT-23.2a")


def barred(world: SimpleNamespace, settings: object, pack: str, kind: str, clause: str) -> None:
    settings.GONGSHU_PACK = pack
    with pytest.raises(Refused) as refusal:
        services.system_register(
            actor=world.actors["civil_steward"],
            unit=world.units["civil"].code,
            name="数据中台",
            business="数据汇聚",
            kind=kind,
        )
    assert clause in refusal.value.basis.clauses and refusal.value.field == "kind"
    assert not System.objects.exists()


def test_a_source_is_kept_with_its_password_sealed(world: SimpleNamespace, people: str) -> None:
    with psycopg.connect(people, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS reader_of_people")
        owner.execute("CREATE ROLE reader_of_people LOGIN PASSWORD 'hunter2-Unguessable'")
        owner.execute("GRANT SELECT ON resident TO reader_of_people")
    source = register(world, people, user="reader_of_people", password="hunter2-Unguessable")
    assert source.probe_ok and source.server
    assert source.spec().password == "hunter2-Unguessable"
    assert "hunter2" not in source.secret and "hunter2" not in json.dumps(source.as_dict())
    assert not Event.objects.filter(body__icontains="hunter2").exists()
    tables = selectors.source_tables(actor=world.actors["civil_steward"], source=source.code)["rows"]
    assert [t["name"] for t in tables] == ["resident"]


def test_nobody_else_sees_the_connection(world: SimpleNamespace, people: str) -> None:
    source = make_source(world, people)
    with pytest.raises(NotFound):
        selectors.source_tables(actor=world.actors["health_steward"], source=source.code)
    assert selectors.sources_visible_to(world.actors["audit_auditor"]).filter(pk=source.pk).exists()
    with pytest.raises(NotAllowed):
        services.source_check(actor=world.actors["audit_auditor"], source=source.code)


WRONG = {
    "host_unknown": ({"host": "no-such-host.invalid"}, "host", "主机名", "host"),
    "refused": ({"port": 0}, "port", "端口", "port"),
    "auth_failed": ({"user": "nobody_such", "password": "x"}, "password", "密码", "password"),
    "database_missing": ({"database": "no_such_database"}, "database", "数据库名", "database"),
}


@pytest.mark.parametrize("code", WRONG)
def test_a_wrong_connection_says_what_to_do(world: SimpleNamespace, people: str, code: str) -> None:
    changed, field, hint, _english = WRONG[code]
    changed = {k: free_port() if k == "port" else v for k, v in changed.items()}
    with pytest.raises(Refused) as refusal:
        register(world, people, **changed)
    if code != "auth_failed":  # the test server may trust local users: then the role is what is missing
        assert refusal.value.code == f"source_{code}", refusal.value
        assert refusal.value.field == field
    assert hint in str(refusal.value) and "%(" not in str(refusal.value)
    assert not DataSource.objects.exists()
    with translation.override("en"), pytest.raises(Refused) as english:
        register(world, people, **changed)
    assert str(english.value).isascii() or "“" in str(english.value), english.value
    assert not any("\u4e00" <= c <= "\u9fff" for c in str(english.value)), english.value


def test_a_silent_server_and_a_server_of_another_kind(world: SimpleNamespace, people: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        with pytest.raises(Refused) as silent:
            register(world, people, port=listener.getsockname()[1])
    assert silent.value.code == "source_timeout" and "防火墙" in str(silent.value)


def test_a_table_without_permission(world: SimpleNamespace, people: str) -> None:
    with psycopg.connect(people, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS blind_reader")
        owner.execute("CREATE ROLE blind_reader LOGIN PASSWORD 'Blind-12345'")
    source = register(world, people, user="blind_reader", password="Blind-12345")
    with pytest.raises(Refused) as refusal:
        services.entry_draft(actor=world.actors["civil_steward"], source=source.code, table="resident")
    assert refusal.value.code == "source_permission_denied" and "SELECT" in str(refusal.value)


def test_a_source_that_died_is_recorded_not_refused(world: SimpleNamespace, people: str) -> None:
    source = make_source(world, people)
    DataSource.objects.filter(pk=source.pk).update(port=free_port())
    checked = services.source_check(actor=world.actors["civil_steward"], source=source.code)
    assert (checked.probe_ok, checked.probe_code) == (False, "refused")
    assert Event.objects.filter(type="catalog.source.checked", subject_id=source.code).exists()


def test_a_file_lies_in_the_units_own_folder(
    world: SimpleNamespace, settings: object, tmp_path: object
) -> None:
    settings.GONGSHU_FILES_ROOT = tmp_path
    system, actor = make_system(world), world.actors["civil_steward"]
    mine = tmp_path / world.units["civil"].code
    theirs = tmp_path / world.units["health"].code
    for folder in (mine, theirs):
        folder.mkdir()
        (folder / "a.csv").write_text("编号,名称\n1,甲\n2,乙\n", encoding="utf-8")
    source = services.source_register(actor=actor, system=system.code, name="台账", kind="csv", path="a.csv")
    entry = services.entry_draft(
        actor=actor,
        source=source.code,
        table=selectors.source_tables(actor=actor, source=source.code)["rows"][0]["name"],
    )
    assert entry.draft.row_count == 2 and entry.draft.format == "csv"
    for path in (f"../{world.units['health'].code}/a.csv", str(theirs / "a.csv")):
        with pytest.raises(Refused) as outside:
            services.source_register(actor=actor, system=system.code, name="别人的", kind="csv", path=path)
        assert outside.value.code == "source_file_outside"
    with pytest.raises(Refused) as missing:
        services.source_register(actor=actor, system=system.code, name="没有", kind="csv", path="b.csv")
    assert missing.value.code == "source_file_missing"
