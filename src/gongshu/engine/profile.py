"""A first look at a source table: what an entry's draft says about each column, from 2,000 rows drawn at random.

Classification goes by what the cells are (check digits, shapes, surnames, words of addresses), not by what the column
is called; the name of the column decides nothing and is not read. No raw value leaves this module.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from gongshu.engine import duck, source
from gongshu.engine.checks import PHONE_SHAPE, check
from gongshu.engine.mask import COMPOUND, mask_sql
from gongshu.engine.source import Column, SourceSpec
from gongshu.engine.sqltext import ident, literal

SAMPLE_ROWS = 2000
SAMPLES = 3

# kind -> level suggested, 1 (lowest) to 4: sensitive personal information stands highest (GB/T 35273 annex B).
LEVELS = {"id_card": 4, "bank_card": 4, "phone": 3, "address": 3, "name": 2, "uscc": 1}
LEVEL_UNKNOWN = 1

# Why a kind was chosen: code -> (Chinese, English); {share} is the share of sampled cells that agree, in percent.
WHYS = {
    "check_digit": ("抽样中 {share}% 的值校验位正确", "check digit right in {share}% of sampled values"),
    "shape": ("抽样中 {share}% 的值符合号码格式", "{share}% of sampled values have this shape"),
    "surname": (
        "抽样中 {share}% 的值以姓氏开头且长度像姓名",
        "{share}% of sampled values begin with a surname",
    ),
    "words": (
        "抽样中 {share}% 的值含行政区划和门牌用字",
        "{share}% of sampled values have the words of an address",
    ),
    "none": ("未识别出敏感内容", "nothing sensitive recognised"),
}

# The most frequent surnames, together over nine tenths of the population.
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖"
    "贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷"
    "詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳欧管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时"
    "穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖"
    "巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀郁胥南班储原栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻位厉伊仝区郜海阚花权强帅屠豆朴盖练廉禹井祖"
    "漆巴丰支卿国狄平计索宣晋相初门云容敬来扈晁芮都普阙浦戈伏鹿薄邸雍辜羊阿乌母裘亓修邰赫杭况那宿鲜印逯隆茹诺战慕危玉银亢嵇公"
    "哈湛宾戎勾茅利於呼居揭干但尉冶斯元束檀衣信展阴昝智幸奉植衡富尧闭由"
)

# A name does not end like a place, an office or a firm does.
NOT_NAME_END = "村镇乡市县区局司厂店路街道所校院部组队站社处科室园港湾桥山河湖江岛"


@dataclass(frozen=True)
class ColumnDraft:
    """One column as drafted. null_ratio and distinct are of the sample; share is that of cells agreeing with `kind`;
    why is a key of WHYS; samples are masked, at most three, never raw."""

    column: Column
    null_ratio: float
    distinct: int
    samples_masked: list[str]
    kind: str | None
    level: int
    why: str
    share: float


@dataclass(frozen=True)
class TableDraft:
    """rows: exact count now; sampled: how many rows the column figures rest on."""

    rows: int
    sampled: int
    columns: list[ColumnDraft]


def draft(spec: SourceSpec, table: str) -> TableDraft:
    """Look at one table. Raises SourceError."""
    rows = source.count(spec, table)
    described = source.columns(spec, table)
    with tempfile.TemporaryDirectory(prefix="draft-") as folder:
        con = duck.connect(*source.connector(spec.kind).extensions, memory_limit="300MB", spool=folder)
        with source.pull(con, spec, table, None, Path(folder), sample=SAMPLE_ROWS) as pull:
            drawn = con.execute(pull.select).to_arrow_table()
        con.register("drawn", drawn)
        sampled = drawn.num_rows
        drafts = [_column(con, column, sampled) for column in described]
        con.close()
    return TableDraft(rows, sampled, drafts)


def _column(con: duckdb.DuckDBPyConnection, column: Column, sampled: int) -> ColumnDraft:
    name = ident(column.name)
    if column.type == "bytes":
        query = f"SELECT count({name}), count(DISTINCT {name}) FROM drawn"
        filled, distinct = con.execute(query).fetchall()[0]
        return ColumnDraft(
            column, _null_ratio(filled, sampled), distinct, [], None, LEVEL_UNKNOWN, "none", 0.0
        )
    facts = con.execute(_facts_query(name)).fetchall()[0]
    filled, distinct = facts[0], facts[1]
    kind, why, share = _classified(column, dict(zip(FACTS, facts[2:], strict=True)), filled)
    shown = con.execute(
        f"SELECT DISTINCT {_shown(column, kind)} AS s FROM"
        f" (SELECT {name} FROM drawn WHERE {name} IS NOT NULL AND CAST({name} AS VARCHAR) <> '' LIMIT 50)"
        f" WHERE s IS NOT NULL ORDER BY s LIMIT {SAMPLES}"
    ).fetchall()
    level = LEVELS.get(kind, LEVEL_UNKNOWN) if kind else LEVEL_UNKNOWN
    samples = [text for (text,) in shown]
    return ColumnDraft(
        column, _null_ratio(filled, sampled), distinct, samples, kind, level, why, round(share, 3)
    )


def _null_ratio(filled: int, sampled: int) -> float:
    return round(1 - filled / sampled, 4) if sampled else 0.0


FACTS = ("id_card", "uscc", "bank_card", "phone", "name", "address", "cells")


def _facts_query(name: str) -> str:
    """Counts over non-empty cells: how many pass each test."""
    layers: list[dict[str, str]] = []
    tests = []
    for kind in ("id_card", "uscc", "bank_card"):
        found = check(kind, "c", f"{kind}_")
        for depth, layer in enumerate(found.layers):
            if depth == len(layers):
                layers.append({})
            layers[depth] |= layer
        tests.append(found.good)
    compound = "|".join(COMPOUND)
    # Up to four characters; a minority's name with a middle dot up to fifteen.
    person = (
        rf"(({compound})\p{{Han}}{{1,2}}|[{SURNAMES}]\p{{Han}}{{1,2}}|[{SURNAMES}]\p{{Han}}{{3}}|"
        r"\p{Han}{2,8}·\p{Han}{2,8})"
    )
    division = "省|市|县|区|镇|乡|街道|村|社区|路|街|弄|巷"
    place = rf".*({division}).*(路|街|号|村|组|幢|栋|室|单元|弄|巷|园|苑|小区|社区|街道|镇|乡).*"
    tests += [
        f"regexp_full_match(c, {literal(PHONE_SHAPE)})",
        f"regexp_full_match(c, {literal(person)}) AND NOT regexp_matches(c, '[{NOT_NAME_END}]$')",
        f"length(c) >= 6 AND regexp_full_match(c, {literal(place)}, 's')",
    ]
    inner = f"SELECT trim(CAST({name} AS VARCHAR)) AS c FROM drawn WHERE {name} IS NOT NULL"
    relation = f"({inner})"
    for layer in layers:
        named = ", ".join(f"{expression} AS {alias}" for alias, expression in layer.items())
        relation = f"(SELECT *, {named} FROM {relation})"
    counts = ", ".join(f"count(*) FILTER (WHERE c <> '' AND {test})" for test in tests)
    return f"SELECT count(*), count(DISTINCT c), {counts}, count(*) FILTER (WHERE c <> '') FROM {relation}"


# kind -> (share of cells that must agree, why). A number without meaning passes MOD 11-2 once in 11, MOD 31 once in
# 31 and Luhn once in 10, so these shares leave room for dirty cells and none for chance.
THRESHOLDS = {
    "id_card": (0.6, "check_digit"),
    "uscc": (0.6, "check_digit"),
    "bank_card": (0.7, "check_digit"),
    "phone": (0.7, "shape"),
    "name": (0.7, "surname"),
    "address": (0.6, "words"),
}


def _classified(column: Column, facts: dict[str, Any], filled: int) -> tuple[str | None, str, float]:
    cells = facts["cells"]
    if column.type not in ("text", "integer", "decimal") or not cells:
        return None, "none", 0.0
    for kind, (threshold, why) in THRESHOLDS.items():
        share = facts[kind] / cells
        if share >= threshold:
            return kind, why, share
    return None, "none", 0.0


def _shown(column: Column, kind: str | None) -> str:
    """DuckDB expression for a sample cell: by kind, and partly hidden where no kind was recognised."""
    name = ident(column.name)
    cell = f"CAST({name} AS VARCHAR)"
    if kind == "uscc":  # a firm's code is public, but who is in the sample need not be
        part = f"substr({cell}, 1, 8) || '******' || right({cell}, 4)"
        return f"CASE WHEN length({cell}) = 18 THEN {part} ELSE '******' END"
    if kind:
        return mask_sql(kind, name, "duckdb")
    if column.type in ("date", "timestamp"):
        return f"{mask_sql('year', name, 'duckdb')} || '-**-**'"
    if column.type == "boolean":
        return cell
    if column.type == "text":
        return f"CASE WHEN length({cell}) < 2 THEN '*' ELSE substr({cell}, 1, 1) || '***' END"
    return f"CASE WHEN length({cell}) < 4 THEN {cell} ELSE substr({cell}, 1, 1) || '***' END"
