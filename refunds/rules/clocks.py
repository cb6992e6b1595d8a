"""The two clocks: until when the customer may ask, and when the merchant owes an answer.

The handling clock of simple reasons runs by the wall, that of others while the store is open; both stand while somebody else owes
something, and a disaster gives them more time. Pure: opening times come as a flat, rising row of begin and end in minutes since
the epoch (``merchants.hours``); an empty row is a store whose hours are not known, and its clock runs always.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from refunds.rules.floor import DELAY_DAYS

_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: No clock runs longer: from then on the law calls it deliberate delay.
LONGEST = timedelta(days=DELAY_DAYS)


def after(*, at: datetime, time: timedelta, opening: Sequence[int] = ()) -> datetime:
    """When so much of opening time will have passed since ``at``. What the row does not reach passes by the wall."""
    left, end = time, at
    for begin, end in _from(at, opening):
        if left <= end - begin:
            return begin + left
        left -= end - begin
    return end + left


def between(*, start: datetime, end: datetime, opening: Sequence[int] = ()) -> timedelta:
    """How much of opening time lies between two moments; never less than nothing. The counterpart of ``after``."""
    if end <= start:
        return timedelta(0)
    passed, last = timedelta(0), start
    for begin, last in _from(start, opening):
        if begin >= end:
            return passed
        passed += min(last, end) - begin
    return passed + max(timedelta(0), end - last)


def due(*, at: datetime, time: timedelta, opening: Sequence[int] = (), grace_hours: int = 0) -> datetime:
    """When an answer is owed to what was asked at ``at``, with the grace of a disaster on top; never after ``LONGEST``."""
    return min(after(at=at, time=time, opening=opening) + timedelta(hours=grace_hours), at + LONGEST)


def resumed(
    *, paused_at: datetime, due_at: datetime, at: datetime, opening: Callable[[datetime, timedelta], Sequence[int]]
) -> datetime:
    """When an answer is owed once a clock that stood since ``paused_at`` goes on with what was left; ``opening`` are the times
    that it is open from a moment on, so long together.
    """
    left = between(start=paused_at, end=due_at, opening=opening(paused_at, LONGEST))
    return due(at=at, time=left, opening=opening(at, left))


def filing_grace(*, graces: Iterable[Sequence[int]], window_days: int) -> int:
    """Hours by which a filing window is longer: the most of any disaster that began within it. Each is days from the payment to
    its beginning, and its hours.
    """
    return max((hours for began, hours in graces if began <= window_days), default=0)


def is_open(*, at: datetime, opening: Sequence[int]) -> bool | None:
    """Whether it is open; None where the hours are not known."""
    if not opening:
        return None
    begin, _ = next(_from(at, opening), (None, None))
    return begin == at


def _from(at: datetime, opening: Sequence[int]) -> Iterator[tuple[datetime, datetime]]:
    """The times that it is open from a moment on."""
    for begin, end in zip(opening[::2], opening[1::2], strict=True):
        closes = _EPOCH + end * _MINUTE
        if closes > at:
            yield max(at, _EPOCH + begin * _MINUTE), closes
