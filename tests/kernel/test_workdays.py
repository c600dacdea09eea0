from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongshu.kernel.workdays import Workdays

FIRST, LAST = date(2025, 1, 1), date(2026, 12, 31)


def calendar(flips: set[date], unpublished: tuple[int, ...] = ()) -> Workdays:
    """Monday to Friday over two years, with some days turned round."""
    span = [FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)]
    return Workdays([d for d in span if (d.weekday() < 5) != (d in flips)], FIRST, LAST, unpublished)


days = st.dates(date(2024, 6, 1), date(2027, 6, 30))
flips = st.sets(st.dates(FIRST, LAST), max_size=60)
counts = st.integers(1, 400)


@given(flips, days, counts)
def test_add_and_between_are_inverse(flipped: set[date], day: date, n: int) -> None:
    cal = calendar(flipped)
    end = cal.add(day, n)
    assert end > day and cal.is_working(end)
    assert cal.between(day, end) == n
    assert cal.between(day, end - timedelta(1)) == n - 1


@given(flips, days, counts)
def test_ahead_and_between_are_inverse(flipped: set[date], day: date, n: int) -> None:
    cal = calendar(flipped)
    start = cal.ahead(day, n)
    assert start < day and cal.is_working(start)
    assert cal.between(day, start) == -n


@given(flips, days, counts)
def test_ahead_undoes_add_on_a_working_day(flipped: set[date], day: date, n: int) -> None:
    cal = calendar(flipped)
    if cal.is_working(day):
        assert cal.ahead(cal.add(day, n), n) == day
        assert cal.add(cal.ahead(day, n), n) == day
        assert cal.between(day, cal.add(day, n)) == -cal.between(cal.add(day, n), day)


@given(flips, days, days)
def test_between_counts_what_a_clerk_would_count(flipped: set[date], a: date, b: date) -> None:
    cal = calendar(flipped)
    step = 1 if b > a else -1
    walked, day = 0, a
    while day != b:
        day += timedelta(step)
        walked += cal.is_working(day)
    assert cal.between(a, b) == walked * step


@given(flips, days)
def test_the_day_of_receipt_is_not_counted(flipped: set[date], day: date) -> None:
    cal = calendar(flipped)
    following = day + timedelta(1)
    while not cal.is_working(following):
        following += timedelta(1)
    assert cal.add(day, 1) == following
    assert cal.add(day, 0) == day


def test_provisional_outside_the_schedule_and_in_unpublished_years() -> None:
    cal = calendar(set(), unpublished=(2026,))
    assert not cal.is_provisional(date(2025, 5, 1))
    assert cal.is_provisional(date(2026, 5, 1))
    assert cal.is_provisional(date(2027, 1, 1)) and cal.is_provisional(date(2024, 12, 31))
    assert cal.span_provisional(date(2025, 12, 30), date(2026, 1, 3))
    assert cal.span_provisional(date(2026, 1, 3), date(2025, 12, 30))
    assert not cal.span_provisional(date(2025, 2, 1), date(2025, 12, 30))


def test_without_a_schedule_monday_to_friday_counts() -> None:
    cal = Workdays()
    assert cal.add(date(2030, 1, 4), 5) == date(2030, 1, 11)  # a Friday to the next
    assert cal.is_provisional(date(2030, 1, 4)) and not cal.is_working(date(2030, 1, 5))


def test_a_calendar_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError):
        Workdays([date(2024, 1, 1)], FIRST, LAST)
    with pytest.raises(ValueError):
        Workdays([date(2025, 1, 2)])
    with pytest.raises(ValueError):
        Workdays((), first=FIRST)
