from datetime import date

import pytest

from gongshu.kernel import clause
from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from gongshu.kernel.ids import case_number, parse_case_number, uuid7


def test_case_numbers_can_be_read_back() -> None:
    assert case_number("GX", date(2026, 4, 8), 7) == "GX-20260408-0007"
    assert parse_case_number("GX-20260408-12345") == ("GX", date(2026, 4, 8), 12345)
    for bad in ("gx-20260408-0007", "GX-20261308-0007", "GX-20260408-7", ""):
        with pytest.raises(ValueError):
            parse_case_number(bad)
    with pytest.raises(ValueError):
        case_number("GX", date(2026, 4, 8), 0)


def test_uuid7_sorts_by_time_and_says_its_version() -> None:
    early, late = uuid7(1_700_000_000_000), uuid7(1_700_000_000_001)
    assert early < late and early.version == 7 and early.variant == "specified in RFC 4122"
    assert len({uuid7() for _ in range(1000)}) == 1000


def test_refusals_carry_status_field_and_clause() -> None:
    refusal = Invalid("请填写更新周期", field="update_cycle", basis=Basis(("ZY-15.2",)))
    assert refusal.as_dict() == {
        "title": "请填写更新周期",
        "status": 422,
        "code": "invalid",
        "field": "update_cycle",
        "fields": {"update_cycle": "请填写更新周期"},
        "basis": {"clauses": ["ZY-15.2"]},
    }
    assert [kind("x").status for kind in (Refused, NotAllowed, NotFound, Conflict)] == [422, 403, 404, 409]
    assert Refused("x", status=413, code="too_large").as_dict()["status"] == 413


def test_basis_joins_and_reports_itself() -> None:
    seen: list[tuple[str, ...]] = []
    clause.observe(seen.append)
    try:
        both = Basis("ZY-23") | Basis(gap=True, source="national-2025") | Basis(["ZY-24.2", "ZY-23"])
    finally:
        clause.observe(None)
    assert both.clauses == ("ZY-23", "ZY-24.2") and not both.gap
    assert ("ZY-23",) in seen
    assert clause.join([Basis(gap=True, source="s")]) == Basis(gap=True, source="s")
