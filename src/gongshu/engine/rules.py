"""Rules, and the one SQL statement that they become."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from gongshu.engine.checks import CHECKS, Check
from gongshu.engine.checks import check as check_of
from gongshu.engine.lake import Lake
from gongshu.engine.sqltext import ident, literal

# kind -> (Chinese, English, dimension of GB/T 36344 it speaks for)
KINDS: dict[str, tuple[str, str, str]] = {
    "not_null": ("非空", "Not empty", "completeness"),
    "unique": ("唯一", "Unique", "accuracy"),
    "pattern": ("格式", "Pattern", "validity"),
    "check": ("校验位", "Check digit", "validity"),
    "code_list": ("代码值", "Code list", "validity"),
    "range": ("值域", "Range", "validity"),
    "reference": ("引用", "Reference", "consistency"),
    "fresh": ("时效", "Freshness", "timeliness"),
}
WORD = 62  # bits of one mask column; further rules go to mask1, mask2 ...
BLANKS = " \t\r\n\u3000\u00a0"
DISTINCT_FIRST_ROWS = 50_000
DISTINCT_FIRST_SHARE = 0.2


class BadRule(ValueError):
    """A rule that cannot be checked: which one (`code`) and why."""

    def __init__(self, code: str, detail: str) -> None:
        self.code, self.detail = code, detail
        super().__init__(f"rule {code}: {detail}")


@dataclass(frozen=True)
class Rule:
    """One rule. `params` by kind: pattern {"pattern": RE2, the whole cell}; check {"check": one of CHECKS}; code_list
    {"values": [...]}; range {"min", "max"} (either, inclusive, as text or number); reference {"target", "column",
    optional "snapshot"}; fresh {"days"} over columns[0], or over the time of the last batch without a column."""

    code: str
    kind: str
    columns: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    severity: str = "error"
    dimension: str = ""


def word(index: int) -> str:
    """Name of the mask column that holds the rule of this index."""
    return f"mask{index // WORD or ''}"


def bit(index: int) -> int:
    """The rule's bit in its mask column."""
    return 1 << (index % WORD)


class Scan:
    """The SQL of one check, put together rule by rule: cells, joins, layers, and a condition of failure for each."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        lake: Lake,
        target: str,
        rules: list[Rule],
        key_columns: list[str],
        snapshot: int,
    ) -> None:
        self.con, self.lake, self.snapshot = con, lake, snapshot
        lake.require(con, target)
        self.relation = lake.relation(target, snapshot)
        self.types = {row[0]: row[1] for row in con.execute(f"DESCRIBE FROM {self.relation}").fetchall()}
        self.rules = [rule for rule in rules if rule.kind != "fresh"]
        self.keys = list(key_columns)
        self.cells: dict[str, str] = {}  # column -> alias of its cell, NULL where without content
        self.joins: list[str] = []
        self.hits: dict[str, str] = {}  # alias in the joined layer -> expression
        self.layers: list[dict[str, str]] = []
        self.checks: dict[tuple[str, str], str] = {}  # (check, column) -> condition that the cell is good
        if len({rule.code for rule in rules}) < len(rules):
            raise BadRule(rules[0].code, "two rules have the same code")
        for key in self.keys:
            if key not in self.types:
                raise BadRule("", f"no key column {key}")
        self.failing = [self._condition(rule) for rule in self.rules]

    # -- running --------------------------------------------------------------------------------------------------

    def applicable(self) -> dict[str, int]:
        """Rows each rule speaks about; under "" all rows. A light scan: it only counts cells."""
        counts = ["count(*)"]
        for rule in self.rules:
            present = " AND ".join(f"{self.cells[column]} IS NOT NULL" for column in rule.columns)
            counts.append("count(*)" if rule.kind == "not_null" else f"count(*) FILTER (WHERE {present})")
        found = self.con.execute(f"SELECT {', '.join(counts)} FROM {self._base()}").fetchall()[0]
        return dict(zip(["", *(rule.code for rule in self.rules)], found, strict=True))

    def store(self, path: Path) -> tuple[dict[str, int], int]:
        """Write the failing keys; returns failures by rule and the number of failing rows."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.partial")
        codes = [rule.code for rule in self.rules]
        keys = self.keys or ["_rowid"]
        facts = f"{{rules: {literal(json.dumps(codes))}, keys: {literal(json.dumps(keys))}}}"
        options = f"FORMAT parquet, COMPRESSION zstd, KV_METADATA {facts}"
        try:
            self.con.execute(f"COPY ({self.select()}) TO {literal(str(partial))} ({options})")
        except duckdb.Error:
            partial.unlink(missing_ok=True)
            raise
        sums = ["count(*)"]
        sums += [f"count(*) FILTER (WHERE {word(i)} & {bit(i)} <> 0)" for i in range(len(codes))]
        bad, *failed = self.con.execute(
            f"SELECT {', '.join(sums)} FROM read_parquet({literal(str(partial))})"
        ).fetchall()[0]
        partial.replace(path)
        return dict(zip(codes, failed, strict=True)), int(bad)

    def select(self) -> str:
        """The one scan: keys and mask of the rows that fail anything."""
        words: dict[str, list[str]] = {"mask": []}
        for index, condition in enumerate(self.failing):
            words.setdefault(word(index), []).append(f"CASE WHEN {condition} THEN {bit(index)} ELSE 0 END")
        relation = self._base()
        if self.joins:
            hits = "".join(f", {expression} AS {alias}" for alias, expression in self.hits.items())
            relation = f"(SELECT t.*{hits} FROM {relation} t {' '.join(self.joins)})"
        for layer in self.layers:
            named = ", ".join(f"{expression} AS {alias}" for alias, expression in layer.items())
            relation = f"(SELECT *, {named} FROM {relation})"
        keys = [f"k{index} AS {ident(key)}" for index, key in enumerate(self.keys)] or ["k0 AS _rowid"]
        masks = [f"CAST({' + '.join(terms) or '0'} AS BIGINT) AS {word}" for word, terms in words.items()]
        failed = " OR ".join(f"{word} <> 0" for word in words)
        return f"SELECT * FROM (SELECT {', '.join(keys + masks)} FROM {relation}) WHERE {failed}"

    def _base(self) -> str:
        keys = [f"{ident(key)} AS k{index}" for index, key in enumerate(self.keys)] or ["rowid AS k0"]
        cells = [f"{self._cell(column)} AS {alias}" for column, alias in self.cells.items()]
        return f"(SELECT {', '.join(keys + cells)} FROM {self.relation})"

    def _cell(self, column: str) -> str:
        name = ident(column)
        if self.types[column] != "VARCHAR":
            return name
        return f"CASE WHEN trim({name}, {literal(BLANKS)}) <> '' THEN {name} END"

    # -- compiling ------------------------------------------------------------------------------------------------

    def _condition(self, rule: Rule) -> str:
        """The condition under which a row fails; unknown counts as passed."""
        if rule.kind not in KINDS:
            raise BadRule(rule.code, f"unknown kind {rule.kind!r}")
        if not rule.columns:
            raise BadRule(rule.code, "no column")
        for column in rule.columns:
            if column not in self.types:
                raise BadRule(rule.code, f"no column {column}")
            self.cells.setdefault(column, f"c{len(self.cells)}")
        if rule.kind in ("pattern", "check", "code_list", "range", "reference") and len(rule.columns) != 1:
            raise BadRule(rule.code, "takes one column")
        build = {
            "not_null": self._not_null,
            "unique": self._unique,
            "pattern": self._pattern,
            "check": self._check,
            "code_list": self._code_list,
            "range": self._range,
            "reference": self._reference,
        }[rule.kind]
        return build(rule)

    def _text(self, column: str) -> str:
        alias = self.cells[column]
        return alias if self.types[column] == "VARCHAR" else f"CAST({alias} AS VARCHAR)"

    def _not_null(self, rule: Rule) -> str:
        return " OR ".join(f"{self.cells[column]} IS NULL" for column in rule.columns)

    def _unique(self, rule: Rule) -> str:
        names = ", ".join(f"{self._cell(column)} AS v{i}" for i, column in enumerate(rule.columns))
        present = " AND ".join(f"v{i} IS NOT NULL" for i in range(len(rule.columns)))
        by = ", ".join(f"v{i}" for i in range(len(rule.columns)))
        alias = f"u{len(self.joins)}"
        on = " AND ".join(f"{alias}.v{i} = t.{self.cells[column]}" for i, column in enumerate(rule.columns))
        self.joins.append(
            f"LEFT JOIN (SELECT {by} FROM (SELECT {names} FROM {self.relation}) WHERE {present}"
            f" GROUP BY {by} HAVING count(*) > 1) {alias} ON {on}"
        )
        self.hits[f"{alias}_hit"] = f"{alias}.v0 IS NOT NULL"
        return f"{alias}_hit"

    def _pattern(self, rule: Rule) -> str:
        pattern = str(rule.params.get("pattern", ""))
        try:
            self.con.execute("SELECT regexp_full_match('', ?)", [pattern]).fetchall()
        except duckdb.Error as error:
            raise BadRule(rule.code, f"not a regular expression: {error}") from None
        return f"NOT regexp_full_match({self._text(rule.columns[0])}, {literal(pattern)})"

    def _check(self, rule: Rule) -> str:
        kind, column = str(rule.params.get("check", "")), rule.columns[0]
        if kind not in CHECKS:
            raise BadRule(rule.code, f"unknown check {kind!r}")
        if (kind, column) not in self.checks:
            prefix = f"x{len(self.checks)}_"
            found = check_of(kind, self._text(column), prefix)
            if found.costly and self._repeats(column):
                self.checks[kind, column] = self._distinct_first(kind, column, prefix)
            else:
                _layered(self.layers, found)
                self.checks[kind, column] = found.good
        return f"{self.cells[column]} IS NOT NULL AND NOT ({self.checks[kind, column]})"

    def _repeats(self, column: str) -> bool:
        """Whether few enough distinct values make it worth checking each once."""
        query = f"SELECT count(*), approx_count_distinct({ident(column)}) FROM {self.relation}"
        rows, distinct = self.con.execute(query).fetchall()[0]
        return bool(rows > DISTINCT_FIRST_ROWS and distinct < rows * DISTINCT_FIRST_SHARE)

    def _distinct_first(self, kind: str, column: str, prefix: str) -> str:
        found = check_of(kind, "v", prefix)
        text = self._cell(column) if self.types[column] == "VARCHAR" else f"CAST({ident(column)} AS VARCHAR)"
        relation = f"(SELECT DISTINCT {text} AS v FROM {self.relation})"
        for layer in found.layers:
            named = ", ".join(f"{expression} AS {alias}" for alias, expression in layer.items())
            relation = f"(SELECT *, {named} FROM {relation})"
        alias = f"d{len(self.joins)}"
        # Only the bad values are joined: in a decent table they are few.
        self.joins.append(
            f"LEFT JOIN (SELECT v FROM {relation} WHERE v IS NOT NULL AND NOT ({found.good})) {alias}"
            f" ON {alias}.v = {self._text_of_t(column)}"
        )
        self.hits[f"{alias}_bad"] = f"{alias}.v IS NOT NULL"
        return f"NOT {alias}_bad"

    def _text_of_t(self, column: str) -> str:
        cell = f"t.{self.cells[column]}"
        return cell if self.types[column] == "VARCHAR" else f"CAST({cell} AS VARCHAR)"

    def _code_list(self, rule: Rule) -> str:
        values = [str(value) for value in rule.params.get("values", [])]
        if not values:
            raise BadRule(rule.code, "the code list is empty")
        return f"{self._text(rule.columns[0])} NOT IN ({', '.join(literal(value) for value in values)})"

    def _range(self, rule: Rule) -> str:
        column = rule.columns[0]
        cell, type_ = self.cells[column], self.types[column]
        if type_ == "VARCHAR":
            cell, type_ = f"TRY_CAST({cell} AS DOUBLE)", "DOUBLE"
        bounds = []
        for name, operator in (("min", "<"), ("max", ">")):
            bound = rule.params.get(name)
            if bound is not None:
                try:
                    self.con.execute(f"SELECT CAST(? AS {type_})", [str(bound)]).fetchall()
                except duckdb.Error:
                    raise BadRule(rule.code, f"{name} {bound!r} is no {type_}") from None
                bounds.append(f"{cell} {operator} CAST({literal(str(bound))} AS {type_})")
        if not bounds:
            raise BadRule(rule.code, "neither min nor max")
        return f"({' OR '.join(bounds)})"

    def _reference(self, rule: Rule) -> str:
        other, column = str(rule.params.get("target", "")), str(rule.params.get("column", ""))
        self.lake.require(self.con, other)
        relation = self.lake.relation(other, rule.params.get("snapshot", self.snapshot))
        if column not in {row[0] for row in self.con.execute(f"DESCRIBE FROM {relation}").fetchall()}:
            raise BadRule(rule.code, f"{other} has no column {column}")
        alias = f"r{len(self.joins)}"
        self.joins.append(
            f"LEFT JOIN (SELECT DISTINCT CAST({ident(column)} AS VARCHAR) AS v FROM {relation}) {alias}"
            f" ON {alias}.v = {self._text_of_t(rule.columns[0])}"
        )
        self.hits[f"{alias}_hit"] = f"{alias}.v IS NOT NULL"
        return f"{self.cells[rule.columns[0]]} IS NOT NULL AND NOT {alias}_hit"


def _layered(layers: list[dict[str, str]], found: Check) -> None:
    for depth, layer in enumerate(found.layers):
        if depth == len(layers):
            layers.append({})
        layers[depth].update(layer)
