"""Running an entry's rules over a batch, and keeping what they find.

Safe to be killed anywhere and run again: the engine replaces the file of failing keys as a whole, and the run, its
results and its issues are one transaction that exists once per batch.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from gongshu.catalog.models import Entry
from gongshu.collection.lake import lake, table_of
from gongshu.collection.models import Batch, BatchState, CollectionJob
from gongshu.engine import quality
from gongshu.engine.lake import Lake
from gongshu.engine.rules import BadRule
from gongshu.engine.rules import Rule as EngineRule
from gongshu.journal import clock
from gongshu.journal.services import SYSTEM, event_append
from gongshu.org.policy import current_pack

from .models import CheckRun, Rule, RuleResult
from .samples import Sample, samples
from .services.issues import issue_found
from .services.rules import rules_generate
from .vocabulary import RuleKind, Severity


def failing_path(run_file: str) -> Path:
    """Where a run's failing keys lie: beside the lake, which every worker sees."""
    return Path(settings.GONGSHU_LAKE_PATH) / run_file


def check_batch(entry: str, batch: str) -> CheckRun | None:
    """Check a committed batch, once. None where it has been replaced by a later one, whose own check follows."""
    held = Batch.objects.select_related("job__entry__current", "job").get(
        number=batch, job__entry__code=entry
    )
    done = CheckRun.objects.filter(batch=held).first()
    if done or held.state != BatchState.COMMITTED or held.job.last_id != held.pk:
        return done
    about = held.job.entry
    with transaction.atomic():
        rules_generate(SYSTEM, about)
    rules = list(Rule.objects.filter(entry=about, active=True))
    store = lake()
    keys = _keys(about, {name for name, _type in held.shape})
    file = f"checks/{table_of(about)}/{held.number}.parquet"
    found, errors = _run(store, about, rules, keys, failing_path(file))
    items = {item.name: item for item in held.version.items.all()}
    shown = samples(store, table_of(about), found, rules, keys, items)
    return _record(held, rules, found, errors, keys, file, shown)


def _keys(entry: Entry, columns: set[str]) -> list[str]:
    """Columns that name a row: the entry's keys, where the table has them all."""
    named = [item.name for item in entry.current.items.all() if item.is_key] if entry.current else []
    return named if named and set(named) <= columns else []


def _run(
    store: Lake, entry: Entry, rules: list[Rule], keys: list[str], path: Path
) -> tuple[quality.CheckResult, dict[str, str]]:
    """One scan of every rule that can be run; the others with the reason why not."""
    errors: dict[str, str] = {}
    runnable: dict[str, EngineRule] = {}
    arrived = []
    for rule in rules:
        if rule.kind == RuleKind.FRESH and not rule.columns:
            arrived.append(quality.RuleResult(rule.code, 1, 0))  # this batch has just come
        elif rule.kind == RuleKind.REFERENCE and not _referenced(store, rule):
            errors[rule.code] = "reference_not_collected"
        else:
            runnable[rule.code] = _for_engine(rule)
    while True:
        try:
            result = quality.check(
                store, table_of(entry), list(runnable.values()), keys, path, now=clock.now()
            )
        except BadRule as bad:
            if bad.code not in runnable:
                raise
            errors[bad.code] = bad.detail[:200]
            del runnable[bad.code]
        else:
            return replace(result, results=[*result.results, *arrived]), errors


def _referenced(store: Lake, rule: Rule) -> bool:
    other = Entry.objects.filter(code=rule.params.get("entry")).first()
    return other is not None and store.exists(table_of(other))


def _for_engine(rule: Rule) -> EngineRule:
    params = dict(rule.params)
    if rule.kind == RuleKind.REFERENCE:
        other = Entry.objects.get(code=params["entry"])
        params = {"target": table_of(other), "column": params["column"]}
    return EngineRule(rule.code, rule.kind, tuple(rule.columns), params, rule.severity, rule.dimension)


def _record(
    batch: Batch,
    rules: list[Rule],
    found: quality.CheckResult,
    errors: dict[str, str],
    keys: list[str],
    file: str,
    shown: dict[str, Sample],
) -> CheckRun:
    """Run, results, issues and event in one transaction; a second worker finds the first one's run."""
    counted = {result.code: result for result in found.results}
    with transaction.atomic():
        CollectionJob.objects.select_for_update().get(pk=batch.job_id)
        done = CheckRun.objects.filter(batch=batch).first()
        if done:
            return done
        dimensions = scores(rules, counted)
        run = CheckRun.objects.create(
            batch=batch,
            entry=batch.job.entry,
            rows=found.rows,
            failed_rows=found.bad_rows,
            score=sum(dimensions.values()) // len(dimensions) if dimensions else None,
            dimensions=dimensions,
            failing_file=file,
            keys=keys,
            snapshot=found.snapshot,
            milliseconds=round(found.seconds * 1000),
            at=clock.now(),
        )
        for rule in rules:
            _result(run, rule, counted.get(rule.code), errors.get(rule.code, ""), shown.get(rule.code, {}))
        _told(run, errors)
    return run


def _result(run: CheckRun, rule: Rule, found: quality.RuleResult | None, error: str, sample: Sample) -> None:
    failing = found.failed if found else 0
    RuleResult.objects.create(
        run=run,
        rule=rule,
        rule_version=rule.version,
        checked=found.applicable if found else 0,
        failing=failing,
        error=error,
        sample=sample,
    )
    if rule.severity == Severity.ERROR and found is not None:
        issue_found(run.entry, rule, failing, run)


def scores(rules: list[Rule], counted: dict[str, Any]) -> dict[str, int]:
    """Score of each dimension that has a rule: the mean share of passed checks of its rules, in hundredths of a %."""
    shares: dict[str, list[int]] = {}
    for rule in rules:
        found = counted.get(rule.code)
        if found is not None:
            passed = (
                10000
                if not found.applicable
                else (found.applicable - found.failed) * 10000 // found.applicable
            )
            shares.setdefault(rule.dimension, []).append(passed)
    return {dimension: sum(each) // len(each) for dimension, each in shares.items()}


def _told(run: CheckRun, errors: dict[str, str]) -> None:
    event_append(
        actor=SYSTEM,
        type="quality.run.finished",
        subject=("check_run", run.batch.number, run.entry.name),
        unit=run.entry.unit_id,
        basis=current_pack().quality.dims.basis,
        body={
            "batch": run.batch.number,
            "entry": run.entry.code,
            "rows": run.rows,
            "failed_rows": run.failed_rows,
            "score": run.score,
            "dimensions": run.dimensions,
            "results": [r.as_dict() for r in run.results.select_related("rule")],
            "not_run": errors,
        },
    )
