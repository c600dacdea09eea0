"""What the county's systems and tables are described with, and the systems.

A column's expression is DuckDB SQL over the row number `i`, the person `p` and the firm `f` of that row.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .generate import FIRMS, listed, one_in
from .names import COUNTY, STREETS, TOWNS


@dataclass(frozen=True)
class Source:
    """A unit's information system with its store. name: database, or path of the file below the files root."""

    code: str
    unit: str
    kind: str
    name: str
    system: str
    system_en: str
    encoding: str = ""


@dataclass(frozen=True)
class Column:
    """A column: name in the store, its meaning, SQL type there, expression."""

    name: str
    label: str
    type: str
    expression: str


@dataclass(frozen=True)
class Dataset:
    """A table of a source. key: its primary key, "" where the table declares none."""

    source: str
    table: str
    label: str
    label_en: str
    rows: int
    columns: tuple[Column, ...] = field(repr=False)
    key: str = ""
    repeats: bool = False
    """Whether some rows come twice."""
    born: tuple[str, str] = ("1932-01-01", "2100-01-01")
    """Only persons born between these days."""

    @property
    def code(self) -> str:
        """Name within the county, e.g. ga_rk.rk_jbxx."""
        return f"{self.source}.{self.table}"

    def select(self) -> str:
        """The query that makes the rows.

        Persons and firms are met in a fixed, scattered order, without repetition as far as there are enough of them.
        """
        salt = sum(ord(c) * k for k, c in enumerate(self.code, 1))
        chosen = ", ".join(f'{c.expression} AS "{c.name}"' for c in self.columns)
        again = f"CASE WHEN i > 0 AND {one_in('row_twice')} THEN i - 1 ELSE i END" if self.repeats else "i"
        first, last = self.born
        return f"""
        WITH met AS (SELECT *, row_number() OVER (ORDER BY person) - 1 AS turn, count(*) OVER () AS met FROM people
                      WHERE birth BETWEEN '{first}' AND '{last}'),
             lines AS (SELECT i AS line, {again} AS i FROM range({self.rows}) t(i)),
             drawn AS (SELECT *, i + {salt % 9973 * 1_000_003} AS d FROM lines)
        SELECT {chosen} FROM drawn
          LEFT JOIN met p ON p.turn = (i * 104729 + {salt}) % (SELECT any_value(met) FROM met)
          LEFT JOIN firms f ON f.number = (i * 7919 + {salt}) % {FIRMS} ORDER BY line"""


SOURCES: dict[str, Source] = {
    s.code: s
    for s in (
        Source("ga_rk", "ga", "postgresql", "ga", "人口综合管理系统", "Resident register"),
        Source("mz_hy", "mz", "postgresql", "mz", "婚姻与养老服务管理系统", "Marriage and elderly services"),
        Source("mz_jz", "mz", "postgresql", "relief", "社会救助综合管理系统", "Social relief"),
        Source("rs_sb", "rs", "mariadb", "rs", "社会保险管理系统", "Social insurance"),
        Source("rs_jy", "rs", "sqlite", "rs/employment.db", "就业服务系统", "Employment service"),
        Source("sj_zt", "sj", "postgresql", "sj", "市场主体登记系统", "Business register"),
        Source("wj_ws", "wj", "mariadb", "wj", "卫生健康信息系统", "Health information"),
        Source("wj_jg", "wj", "excel", "wj/medical.xlsx", "医疗机构台账", "Register of medical institutions"),
        Source("jy_xj", "jy", "sqlite", "jy/school.db", "学籍管理系统", "School register"),
        Source("zj_bz", "zj", "excel", "zj/housing.xlsx", "住房保障台账", "Register of subsidised housing"),
        Source("sw_qs", "sw", "csv", "sw/water_stations.csv", "水站管理台账", "Register of water stations"),
        Source(
            "sw_sz", "sw", "csv", "sw/water_quality.csv", "水质监测台账", "Water quality records", "gb18030"
        ),
        Source("cl_cj", "cl", "excel", "cl/disabled.xlsx", "残疾人服务台账", "Register of disabled persons"),
        Source("yb_cb", "yb", "postgresql", "yb", "医疗保障信息系统", "Medical insurance"),
        Source("jd_wg", "jd", "sqlite", "jd/grid.db", "社区网格化管理系统", "Neighbourhood grid"),
        Source("zr_bdc", "zr", "sqlite", "zr/realty.db", "不动产登记系统", "Real estate register"),
    )
}

C = Column
XM = C("xm", "姓名", "varchar(60)", "p.name_told")
SFZH = C("sfzh", "公民身份号码", "varchar(18)", "p.id_told")
LXDH = C("lxdh", "联系电话", "varchar(20)", "p.phone_told")
DZ = C("dz", "住址", "varchar(200)", "p.address")
GXSJ = C("gxsj", "更新时间", "timestamp", "CAST(p.updated AS TIMESTAMP) + to_seconds(r(d, 'second', 86400))")
TYSHXYDM = C("tyshxydm", "统一社会信用代码", "varchar(18)", "f.uscc_told")
QYMC = C("qymc", "企业名称", "varchar(200)", "f.firm")


def number(name: str, label: str, prefix: str, width: int = 8, start: int = 1) -> Column:
    """A running number of the form PREFIX00000001."""
    return C(
        name,
        label,
        f"varchar({len(prefix) + width})",
        f"'{prefix}' || lpad(CAST(i + {start} AS VARCHAR), {width}, '0')",
    )


def day(name: str, label: str, since: str, days: int) -> Column:
    """A day within so many days from `since`."""
    return C(name, label, "date", f"DATE '{since}' + CAST(r(d, '{name}', {days}) AS INTEGER)")


def coded(name: str, label: str, values: str) -> Column:
    """One of the values, separated by | (a value given twice comes twice as often)."""
    parts = tuple(values.split("|"))
    return C(name, label, "varchar(60)", f"pick(d, '{name}', {listed(parts)})")


def money(name: str, label: str, low: int, high: int) -> Column:
    """An amount in yuan with two decimals."""
    return C(
        name,
        label,
        "decimal(12,2)",
        f"CAST({low} + r(d, '{name}', {(high - low) * 100}) / 100.0 AS DECIMAL(12,2))",
    )


def whole(name: str, label: str, low: int, high: int) -> Column:
    """A whole number from low to high."""
    return C(name, label, "integer", f"CAST({low} + r(d, '{name}', {high - low + 1}) AS INTEGER)")


def place(name: str, label: str) -> Column:
    """An address of the county."""
    return C(
        name,
        label,
        "varchar(200)",
        f"'{COUNTY}' || pick(d, '{name}t', {listed(TOWNS)}) || pick(d, '{name}s', {listed(STREETS)}) || "
        f"(1 + r(d, '{name}n', 300)) || '号'",
    )


def named(name: str, label: str, middles: str, ending: str) -> Column:
    """The name of an institution, such as 云栖县青禾镇第三小学."""
    return C(
        name,
        label,
        "varchar(200)",
        f"'{COUNTY}' || pick(d, '{name}t', {listed(TOWNS)}) || pick(d, '{name}m', {listed(tuple(middles.split('|')))})"
        f" || '{ending}'",
    )


GENDER = C("xb", "性别", "varchar(4)", "p.sex")
BIRTH = C("csrq", "出生日期", "date", "p.birth_told")
NATION = C("mz", "民族", "varchar(20)", "p.nation")
TOWN = C("xz", "所属乡镇街道", "varchar(40)", "p.town")
FIRM_TOWN = C("szxz", "所在乡镇街道", "varchar(40)", "f.town")
ORDINAL = "第一|第二|第三|第四|第五|实验|中心|明德"
