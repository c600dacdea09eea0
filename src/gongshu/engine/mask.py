"""Masks as SQL: a value is hidden where it is stored, and what leaves the store is already masked.

One definition, two dialects, equal results (tested). A cell that does not have the shape its mask expects, a phone of
nine digits say, shows less, never more. NULL stays NULL and the empty text stays empty.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from gongshu.engine.sqltext import ident, literal

__all__ = ["DIALECTS", "MASKS", "Mask", "ident", "literal", "mask_sql"]

DIALECTS = ("postgres", "duckdb")


class Mask(Enum):
    """What can be done to an item: value, Chinese label, English label."""

    KEEP = ("keep", "原样", "As is")
    NAME = ("name", "姓名：留姓", "Name: surname only")
    ID_CARD = ("id_card", "身份证号：留前六后四", "Identity number: first six, last four")
    PHONE = ("phone", "电话：留前三后四", "Phone: first three, last four")
    ADDRESS = ("address", "地址：留到乡镇街道", "Address: down to township or subdistrict")
    BANK_CARD = ("bank_card", "银行卡号：留前六后四", "Bank card: first six, last four")
    YEAR = ("year", "日期：只留年份", "Date: year only")
    HIDE = ("hide", "不提供", "Not provided")

    def __init__(self, key: str, zh: str, en: str) -> None:
        self.key, self.zh, self.en = key, zh, en

    @classmethod
    def of(cls, key: str) -> Mask:
        """The mask of that value; ValueError for an unknown one."""
        for mask in cls:
            if mask.key == key:
                return mask
        raise ValueError(f"unknown mask {key!r}")


MASKS: tuple[tuple[str, str, str], ...] = tuple((mask.key, mask.zh, mask.en) for mask in Mask)

# Surnames of two characters. A name of three characters and more that begins with one keeps both.
_PAIRS = (
    "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳"
    "公冶太叔申屠公孙慕容仲孙钟离长孙宇文司徒鲜于司空闾丘子车亓官司寇巫马公西颛孙"
    "壤驷公良漆雕乐正宰父谷梁拓跋夹谷轩辕令狐段干百里呼延东郭南门羊舌微生梁丘左丘"
    "西门第五南荣东里东宫即墨达奚褚师纳兰歐陽司馬東方諸葛"
)
COMPOUND = tuple(_PAIRS[i : i + 2] for i in range(0, len(_PAIRS), 2))

# A township's name ends here, unless the character belongs to a city's or county's name (景德镇市, 新乡县). The
# second group stands for a look-ahead, which DuckDB's expressions do not have.
TOWNSHIP = "^(.*?(?:街道|[镇乡]))(?:[^市县区]|$)"
COUNTY = "^(.*?[县区])"
CITY = "^(.*?市)"


def mask_sql(kind: str, column_sql: str, dialect: str = "postgres") -> str:
    """SQL expression for `column_sql` (an expression, a quoted name say) under a mask.

    Everything but `keep` yields text; `hide` yields NULL. Raises ValueError for an unknown mask or dialect.
    """
    if dialect not in DIALECTS:
        raise ValueError(f"unknown dialect {dialect!r}")
    mask = Mask.of(kind)
    if mask is Mask.KEEP:
        return column_sql
    if mask is Mask.HIDE:
        return "CAST(NULL AS varchar)"
    cell = f"CAST({column_sql} AS varchar)"
    return f"CASE WHEN {cell} = '' THEN '' WHEN {cell} IS NOT NULL THEN {_BUILD[mask](cell, dialect)} END"


def _name(cell: str, dialect: str) -> str:
    compound = ", ".join(literal(surname) for surname in COMPOUND)
    both = f"length({cell}) > 2 AND substr({cell}, 1, 2) IN ({compound})"
    return (
        f"CASE WHEN length({cell}) < 2 THEN '*' WHEN {both} THEN substr({cell}, 1, 2) || '*'"
        f" ELSE substr({cell}, 1, 1) || '*' END"
    )


def _id_card(cell: str, dialect: str) -> str:
    return (
        f"CASE WHEN {_like(cell, '^[0-9]{17}[0-9Xx]$', dialect)}"
        f" THEN substr({cell}, 1, 6) || '********' || substr({cell}, 15, 4)"
        f" WHEN {_like(cell, '^[0-9]{15}$', dialect)}"
        f" THEN substr({cell}, 1, 6) || '*****' || substr({cell}, 12, 4) ELSE '******' END"
    )


def _phone(cell: str, dialect: str) -> str:
    return (
        f"CASE WHEN {_like(cell, '^1[0-9]{10}$', dialect)}"
        f" THEN substr({cell}, 1, 3) || '****' || substr({cell}, 8, 4)"
        f" WHEN {_like(cell, '^[0-9+() -]{9,20}$', dialect)} THEN '****' || right({cell}, 4) ELSE '******' END"
    )


def _address(cell: str, dialect: str) -> str:
    parts = ", ".join(_first_group(cell, pattern, dialect) for pattern in (TOWNSHIP, COUNTY, CITY))
    return f"coalesce({parts}, '') || '***'"


def _bank_card(cell: str, dialect: str) -> str:
    return (
        f"CASE WHEN {_like(cell, '^[0-9]{15,19}$', dialect)}"
        f" THEN substr({cell}, 1, 6) || repeat('*', length({cell}) - 10) || right({cell}, 4) ELSE '******' END"
    )


def _year(cell: str, dialect: str) -> str:
    return _first_group(cell, "^([12][0-9]{3})", dialect)


_BUILD: dict[Mask, Callable[[str, str], str]] = {
    Mask.NAME: _name,
    Mask.ID_CARD: _id_card,
    Mask.PHONE: _phone,
    Mask.ADDRESS: _address,
    Mask.BANK_CARD: _bank_card,
    Mask.YEAR: _year,
}


def _like(cell: str, pattern: str, dialect: str) -> str:
    if dialect == "duckdb":
        return f"regexp_matches({cell}, {literal(pattern)})"
    return f"{cell} ~ {literal(pattern)}"


def _first_group(cell: str, pattern: str, dialect: str) -> str:
    """The first group of the match, NULL without one. A dot stands for a line break too, as PostgreSQL has it."""
    if dialect == "duckdb":
        return f"nullif(regexp_extract({cell}, {literal(pattern)}, 1, 's'), '')"
    return f"substring({cell} from {literal(pattern)})"
