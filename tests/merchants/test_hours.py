"""Opening hours: typed, kept, and laid out over days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import SHANGHAI, DayKind
from merchants.hours import Hours, HoursInvalid, Spans, as_text, read_hours, read_spans
from refunds.rules import clocks

NINE_TO_SIX: Spans = ((540, 1080),)


def _opening(hours: Hours, since: datetime, lasting_h: float = 24, **kinds: DayKind) -> list[str]:
    flat = hours.opening(
        since=since,
        lasting=timedelta(hours=lasting_h),
        kinds={date.fromisoformat(day.removeprefix("d").replace("_", "-")): kind for day, kind in kinds.items()},
    )
    moments = [datetime.fromtimestamp(minutes * 60, SHANGHAI) for minutes in flat]
    return [f"{begin:%m-%d %H:%M}-{end:%m-%d %H:%M}" for begin, end in zip(moments[::2], moments[1::2], strict=True)]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def _week(*shut: int, spans: Spans = NINE_TO_SIX) -> tuple[Spans, ...]:
    return tuple(() if day in shut else spans for day in range(7))


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", ()),
        ("09:00-18:00", NINE_TO_SIX),
        ("17:00–22:00, 10:00-14:00", ((600, 840), (1020, 1320))),
        ("18:00-02:00", ((1080, 1560),)),
        ("00:00-24:00", ((0, 1440),)),
        ("08:00-08:00", ((480, 1920),)),
    ],
)
def test_read_spans_when_typed_well_gives_minutes(text: str, spans: Spans) -> None:
    assert read_spans(text) == spans
    assert read_spans(as_text(spans)) == spans


@pytest.mark.parametrize(
    "text", ["9-18", "09:00", "25:00-26:00", "09:00-18:00 x", "09:00-18:00 17:00-20:00", "10:00-24:30"]
)
def test_read_spans_when_typed_badly_is_refused(text: str) -> None:
    with pytest.raises(HoursInvalid):
        read_spans(text)


@pytest.mark.parametrize("data", [{"week": []}, {"week": [""] * 7}, {"week": ["x"] * 7}, {"days": {}}, {"week": 7}])
def test_read_hours_when_not_seven_days_with_one_open_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(HoursInvalid):
        read_hours(data)


def test_hours_when_kept_are_read_as_they_were() -> None:
    hours = Hours(week=_week(6), holiday=(), workday=NINE_TO_SIX, days={date(2026, 12, 31): ((600, 1500),)})
    assert read_hours(hours.as_json()) == hours
    assert read_hours({}) is None


def test_opening_when_asked_in_the_evening_begins_next_morning() -> None:
    assert _opening(Hours(week=_week()), _at("2026-11-27 20:00"), 9) == [
        "11-28 09:00-11-28 18:00",
        "11-29 09:00-11-29 18:00",
    ]


def test_opening_when_a_span_goes_past_midnight_holds_in_the_night() -> None:
    late = Hours(week=_week(spans=((1080, 1560),)))
    assert _opening(late, _at("2026-11-27 01:00"), 0.5) == ["11-27 01:00-11-27 02:00"]


def test_opening_when_open_around_the_clock_is_one_span() -> None:
    always = Hours(week=_week(spans=((0, 1440),)))
    (only,) = _opening(always, _at("2026-11-27 01:00"), 24)
    assert only.startswith("11-27 01:00-")


def test_opening_when_the_calendar_has_a_holiday_takes_its_hours_and_a_make_up_day_the_others() -> None:
    hours = Hours(week=_week(5, 6), holiday=(), workday=NINE_TO_SIX)
    # 2026-10-01 to 07 are holidays; Saturday 10 October makes up for one, Sunday the 11th is a weekend.
    assert _opening(hours, _at("2026-09-30 12:00"), 40) == [
        "09-30 12:00-09-30 18:00",
        "10-08 09:00-10-08 18:00",
        "10-09 09:00-10-09 18:00",
        "10-10 09:00-10-10 18:00",
        "10-12 09:00-10-12 18:00",
    ]


def test_opening_when_the_merchant_says_otherwise_goes_by_the_merchant() -> None:
    hours = Hours(week=_week(), holiday=())
    shut = _opening(hours, _at("2030-05-01 08:00"), 1, d2030_05_01=DayKind.HOLIDAY)
    assert shut == ["05-02 09:00-05-02 18:00"]
    assert _opening(hours, _at("2030-05-01 08:00"), 1) == ["05-01 09:00-05-01 18:00"]
    assert _opening(hours, _at("2026-10-01 08:00"), 1, d2026_10_01=DayKind.ORDINARY) == ["10-01 09:00-10-01 18:00"]


def test_opening_when_a_special_day_is_named_it_goes_before_all() -> None:
    hours = Hours(week=_week(), holiday=NINE_TO_SIX, days={date(2026, 10, 1): ((600, 660),)})
    assert _opening(hours, _at("2026-10-01 08:00"), 0.5) == ["10-01 10:00-10-01 11:00"]


def test_opening_when_shut_for_months_is_known_to_be_shut() -> None:
    """A hotel in winter: nothing opens as far as one looks, which is another thing than hours that nobody has said."""
    first, winter = date(2026, 12, 1), 60
    hours = Hours(week=_week(), days={first + timedelta(days=number): () for number in range(winter)})
    since, time = _at("2026-12-02 12:00"), timedelta(hours=24)
    opening = hours.opening(since=since, lasting=time, kinds={})
    assert clocks.is_open(at=since, opening=opening) is False
    assert clocks.due(at=since, time=time, opening=opening) == since + clocks.LONGEST
    # Two weeks before it opens it is as on any other evening.
    late = _at("2027-01-15 12:00")
    assert clocks.due(at=late, time=time, opening=hours.opening(since=late, lasting=time, kinds={})) > late + time


_SPANS = st.lists(st.integers(0, 1440), min_size=0, max_size=6, unique=True).map(
    lambda ends: tuple(zip(sorted(ends)[: len(ends) // 2 * 2 : 2], sorted(ends)[1::2], strict=True))
)


@given(
    week=st.lists(_SPANS, min_size=7, max_size=7),
    since=st.datetimes(datetime(2025, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    lasting=st.timedeltas(timedelta(0), timedelta(days=4)),
)
def test_opening_whatever_the_hours_rises_and_is_open_by_the_minute(
    week: list[Spans], since: datetime, lasting: timedelta
) -> None:
    hours = Hours(week=tuple(week))
    flat = hours.opening(since=since, lasting=lasting, kinds={})
    if not any(week):
        assert flat == (int(since.timestamp()) // 60 + 31 * 1440,) * 2
        return
    assert all(one < other for one, other in pairwise(flat))
    assert not flat or flat[0] >= since.timestamp() // 60
    for minute in flat[::2]:
        local = datetime.fromtimestamp(minute * 60, SHANGHAI)
        assert any(begin <= local.hour * 60 + local.minute < end for begin, end in week[local.weekday()])
