"""Masks give the same text in PostgreSQL and DuckDB, and hide what they promise on clean and on dirty cells."""

from __future__ import annotations

import duckdb
import psycopg
import pytest

from gongshu.engine.mask import DIALECTS, MASKS, ident, mask_sql

EXPECTED = {
    "name": [
        ("张三", "张*"),
        ("张三丰", "张*"),
        ("欧阳修", "欧阳*"),
        ("欧阳", "欧*"),
        ("诸葛孔明", "诸葛*"),
        ("𬱖某", "𬱖*"),
        ("阿依古丽·买买提", "阿*"),
        ("李", "*"),
        ("", ""),
        (None, None),
    ],
    "id_card": [
        ("110101199003070038", "110101********0038"),
        ("11010119900307003X", "110101********003X"),
        ("110101900307003", "110101*****7003"),
        (" 110101199003070038", "******"),
        ("待补录", "******"),
        ("1101011990030700381", "******"),
        ("", ""),
        (None, None),
    ],
    "phone": [
        ("13812345678", "138****5678"),
        ("0579-84123456", "****3456"),
        ("1381234567", "****4567"),
        ("12345", "******"),
        ("电话13812345678", "******"),
        ("", ""),
        (None, None),
    ],
    "address": [
        ("浙江省金华市浦江县浦阳街道人民路5号", "浙江省金华市浦江县浦阳街道***"),
        ("浙江省金华市浦江县黄宅镇上市村3号", "浙江省金华市浦江县黄宅镇***"),
        ("江西省景德镇市珠山区新厂街道东路1号", "江西省景德镇市珠山区新厂街道***"),
        ("河南省新乡市新乡县翟坡镇东街", "河南省新乡市新乡县翟坡镇***"),
        ("上海市普陀区曹杨路5号", "上海市普陀区***"),
        ("上海市曹杨路5号", "上海市***"),
        ("人民路5号", "***"),
        ("浦阳镇", "浦阳镇***"),
        ("浦江县\n浦阳镇5号", "浦江县\n浦阳镇***"),
        ("", ""),
        (None, None),
    ],
    "bank_card": [
        ("6222021234567890123", "622202*********0123"),
        ("6222021234567890", "622202******7890"),
        ("622202", "******"),
        ("", ""),
        (None, None),
    ],
    "year": [("1990-03-07", "1990"), ("19900307", "1990"), ("90年", None), ("", ""), (None, None)],
    "hide": [("秘密", None), (None, None)],
    "keep": [("原样", "原样"), (None, None)],
}


def test_every_mask_is_tested() -> None:
    assert set(EXPECTED) == {value for value, _, _ in MASKS}
    assert all(zh and en for _, zh, en in MASKS)


@pytest.mark.parametrize("kind", sorted(EXPECTED))
def test_equal_in_both_dialects(kind: str, pg_dsn_module: str) -> None:
    values = [value for value, _ in EXPECTED[kind]]
    wanted = [masked for _, masked in EXPECTED[kind]]
    postgres, duck = (mask_sql(kind, "v", dialect) for dialect in DIALECTS)
    with psycopg.connect(pg_dsn_module) as db:
        assert [
            db.execute(f"SELECT {postgres} FROM (SELECT %s::text AS v) t", (v,)).fetchone()[0] for v in values
        ] == wanted  # type: ignore[index]
    assert [
        duckdb.execute(f"SELECT {duck} FROM (SELECT ?::varchar AS v)", [v]).fetchall()[0][0] for v in values
    ] == wanted


@pytest.mark.parametrize("kind", ["year", "phone", "id_card", "hide"])
def test_cells_that_are_no_text(kind: str, pg_dsn_module: str) -> None:
    wanted = {"year": ("2020", "1381"), "phone": ("******", "138****5678"), "id_card": ("******",) * 2}
    for index, cell in enumerate(["DATE '2020-05-01'", "CAST(13812345678 AS bigint)"]):
        with psycopg.connect(pg_dsn_module) as db:
            ours = db.execute(f"SELECT {mask_sql(kind, cell, 'postgres')}").fetchone()[0]  # type: ignore[index]
        theirs = duckdb.execute(f"SELECT {mask_sql(kind, cell, 'duckdb')}").fetchall()[0][0]
        if kind == "phone" and index == 0:
            assert (
                ours == theirs == "****5-01"
            )  # a date's digits pass for a number's; still no more than four shown
        else:
            assert ours == theirs == (wanted[kind][index] if kind in wanted else None)


def test_names_and_dialects_are_checked() -> None:
    assert ident('a"b') == '"a""b"'
    for bad in ("", "a\x00b"):
        with pytest.raises(ValueError):
            ident(bad)
    with pytest.raises(ValueError, match="unknown mask"):
        mask_sql("other", "v")
    with pytest.raises(ValueError, match="unknown dialect"):
        mask_sql("name", "v", "oracle")
