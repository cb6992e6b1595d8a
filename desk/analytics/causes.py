"""Why it changed, and at which till: the two cards a manager reads when refunds rise."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from analytics.drivers import Movement, movement
from analytics.figures import Overview, Share, Turnover
from desk.analytics.links import Links
from desk.analytics.wording import percent, whole, yuan
from refunds.states import Reason

#: Tills before the rest is folded away; the export has them all.
_TOP = 8
#: From which ratio to the average a rate is coloured, and from how many refunds on: fewer say nothing.
_HIGH, _VERY_HIGH, _COLOURED_FROM = 1.2, 1.5, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverRow:
    """One cause of a change. ``bar_pct`` is its length beside the largest; the till is the one with most of it."""

    label: str
    terminal: str
    terminal_count: str
    url: str
    terminal_url: str
    count: str
    previous_count: str
    previous_url: str
    change: str
    share: str
    bar_pct: float
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drivers:
    """What made the difference between two periods; ``rest`` is what no row explains."""

    change: str
    tone: str
    sentence: str
    rows: Sequence[DriverRow]
    rest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TillRow:
    """``store`` is empty where all tills are of one."""

    code: str
    store: str
    url: str
    count: str
    previous_count: str
    amount_fen: int
    rate_pct: float | None
    n_sales: str
    bar_pct: float
    tone: str
    reason: str
    reason_share: str


def drivers(*, figures: Overview, links: Links) -> Drivers | None:
    """The card of the change; None where nothing came back in either period."""
    if not (figures.current.paid.count or figures.previous.paid.count):
        return None
    moved = movement(figures)
    one_store = len(figures.store_names) == 1
    rows = []
    for driver in moved.drivers:
        code, name = figures.store_names[driver.store_id]
        to = replace(links, store=code)
        reason = str(Reason(driver.reason).label)
        rows.append(
            DriverRow(
                label=reason if one_store else f"{name} · {reason}",
                terminal=driver.terminal,
                terminal_count=whole(driver.terminal_count),
                url=to.succeeded(reason=driver.reason) if driver.count else "",
                terminal_url=to.succeeded(reason=driver.reason, terminal=driver.terminal)
                if driver.terminal_count
                else "",
                count=whole(driver.count),
                previous_count=whole(driver.previous_count),
                previous_url=to.succeeded_before(reason=driver.reason) if driver.previous_count else "",
                change=signed(driver.change_fen),
                share=percent(Share(driver.change_fen, moved.change_fen).value, 0),
                bar_pct=abs(driver.change_fen) / abs(moved.drivers[0].change_fen) * 100,
                tone="bad" if moved.change_fen > 0 else "ok",
            )
        )
    return Drivers(
        change=signed(moved.change_fen),
        tone="worse" if moved.change_fen > 0 else "good" if moved.change_fen < 0 else "",
        sentence=_sentence(moved),
        rows=rows,
        rest=signed(moved.rest_fen) if rows and moved.rest_fen else "",
    )


def tills(*, figures: Overview, links: Links, average: float | None) -> list[TillRow]:
    """The tills, the highest rate first. ``average`` is the rate of all that is looked at."""
    rows = figures.tills[:_TOP]
    highest = max((row.refund_rate.value or 0 for row in rows), default=0)
    several_stores = len({row.store_code for row in rows}) > 1
    return [
        TillRow(
            code=row.code,
            store=row.store_name if several_stores else "",
            url=replace(links, store=row.store_code).succeeded(terminal=row.code),
            count=whole(row.paid.count),
            previous_count=whole(row.previous.count),
            amount_fen=row.paid.amount_fen,
            rate_pct=None if row.refund_rate.value is None else row.refund_rate.value * 100,
            n_sales=whole(row.sold.count),
            bar_pct=(row.refund_rate.value or 0) / highest * 100 if highest else 0,
            tone=tone(row, average),
            reason=str(Reason(row.reason).label) if row.reason else "",
            reason_share=percent(Share(row.reason_count, row.paid.count).value, 0),
        )
        for row in rows
    ]


def signed(fen: int) -> str:
    """An amount that was added or taken away: ``+¥8,240.00``."""
    return f"{'+' if fen > 0 else '−' if fen < 0 else ''}{yuan(abs(fen))}"


def _sentence(moved: Movement) -> str:
    """How much of the change the number of sales explains, and how much the rate at which they come back."""
    if moved.volume_fen is None:
        return gettext("Nothing was sold in the previous period: there is no rate to compare with.")
    facts = {"volume": signed(moved.volume_fen), "rate": signed(moved.change_fen - moved.volume_fen)}
    return gettext("%(volume)s from the change in sales, %(rate)s from the change in the refund rate.") % facts


def tone(row: Turnover, average: float | None) -> str:
    """How a till's or a store's rate is coloured beside the average."""
    rate = row.refund_rate.value
    if rate is None or not average or row.paid.count < _COLOURED_FROM:
        return ""
    return "bad" if rate >= _VERY_HIGH * average else "warn" if rate >= _HIGH * average else ""
