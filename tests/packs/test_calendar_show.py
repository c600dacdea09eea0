import argparse
import json
from datetime import date
from pathlib import Path

import pytest

from gongshu.packs import commands, load
from gongshu.packs.calendar import published_years, workdays
from gongshu.packs.show import pack_diff, pack_show, words


def test_the_published_schedule() -> None:
    calendar = workdays()
    assert calendar.add(date(2026, 9, 30), 1) == date(2026, 10, 8)  # National Day
    assert calendar.is_working(date(2026, 10, 10))  # a Saturday made up for it
    assert not calendar.is_working(date(2025, 1, 28))
    assert calendar.last == date(2026, 12, 31) == date(published_years()[-1], 12, 31)


def test_a_year_not_yet_published_is_provisional_until_it_is_imported() -> None:
    assert workdays().is_provisional(date(2027, 1, 4))
    imported = workdays({date(2027, 1, 1): False, date(2027, 1, 2): True})
    assert not imported.is_provisional(date(2027, 6, 1))
    assert imported.is_working(date(2027, 1, 2)) and not imported.is_working(date(2027, 1, 1))
    later = workdays({}, years=[2028])
    assert later.is_provisional(date(2027, 6, 1)) and not later.is_provisional(date(2028, 6, 1))


def test_an_imported_year_replaces_the_published_one() -> None:
    corrected = workdays({date(2026, 5, 1): False}, [2026])
    assert corrected.is_working(date(2026, 10, 1)) and not corrected.is_working(date(2026, 5, 1))
    assert not corrected.is_working(date(2025, 10, 1))


def run(*words_given: str) -> int:
    parser = argparse.ArgumentParser()
    commands.register(parser.add_subparsers())
    args = parser.parse_args(["pack", *words_given])
    return int(args.run(args))


def test_show_gives_value_clause_and_gap(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "share.reply_within") == 0
    text = capsys.readouterr().out
    assert "5个工作日（提供单位，自申请起）" in text and "ZY-24.2 第二十四条" in text
    assert "本地制度未规定，按《政务数据共享条例》执行" in text
    assert run("show", "share", "--pack", "zhangye@1.0.0", "--lang", "en") == 0
    assert "5 working days (providing unit, from the application)" in capsys.readouterr().out
    assert run("show", "share.nothing") == 2 and "share.nothing" in capsys.readouterr().err
    assert run("show", "--pack", "nowhere") == 2


def test_show_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "share.fee", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["pack"] for row in rows] == ["chongming", "pujiang", "putuo", "xinchang", "zhangye"]
    assert rows[1]["basis"] == {"clauses": ["PJ-30.1"]} and rows[0]["basis"]["gap"] is True


def test_diff_shows_both_sides(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("diff", "putuo", "zhangye") == 0
    assert "share.confirm_within" in capsys.readouterr().out
    assert pack_diff(load("putuo"), load("putuo")) == []
    rows = pack_diff(load("putuo"), load("zhangye"))
    by_key = {row.key: row for row in rows}
    assert not by_key["share.reply_within"].same_value and by_key["cascade.no_own_platform"].same_value
    assert "calendar.start_day_counts" not in by_key
    assert run("diff", "putuo", "putuo") == 0 and "没有差异" in capsys.readouterr().out
    assert run("diff", "putuo", "x") == 2


def test_check_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check") == 0
    bad = tmp_path / "bad.yaml"
    bad.write_text("schema: policy-pack/1\nid: x\n", encoding="utf-8")
    assert run("check", str(bad), "--lang", "en") == 2
    assert "bad.yaml: share.fee: key is missing" in capsys.readouterr().err
    assert run("check", str(bad), "--json") == 2
    assert {"file": "bad.yaml", "key": "share.fee", "reason": "缺少此键"} in json.loads(
        capsys.readouterr().out
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_code_is_left_without_a_name(lang: str) -> None:
    import re

    for row in pack_show():
        assert not re.search(r"\b[a-z]+_[a-z_]+\b|[{}]", words(row.node.v, lang)), row
