"""Why the refunded amount changed against the period before: the parts of the change, the largest first.

Every refund has one store and one reason, so the parts add up to the change. How much of it more or fewer sales explain is
said apart: at the rate of the period before, so much would have come back anyway.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from analytics.figures import Cut, Overview

#: Parts named one by one; the rest is one sum.
_NAMED = 5
#: A till is named when this much of a part's change happened there.
_NAMED_TILL = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """Refunds of one store for one reason, now and before.

    ``terminal`` is the till where most of the change is, or ""; ``terminal_count`` refunds came from there now.
    """

    store_id: int
    reason: str
    terminal: str
    terminal_count: int
    count: int
    amount_fen: int
    previous_count: int
    previous_fen: int

    @property
    def change_fen(self) -> int:
        return self.amount_fen - self.previous_fen


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """``change_fen`` = the drivers' changes + ``rest_fen``; also = ``volume_fen`` + what the rate of refunds changed.

    ``volume_fen`` is None where nothing was sold before: then there is no rate to hold on to.
    """

    change_fen: int
    volume_fen: int | None
    drivers: list[Driver]
    rest_fen: int


def movement(figures: Overview) -> Movement:
    """What moved the refunded amount of the period against the one before. Parts that moved the other way are in the rest."""
    now, before = figures.current, figures.previous
    change_fen = now.paid.amount_fen - before.paid.amount_fen
    sign = -1 if change_fen < 0 else 1
    found = [driver for driver in _drivers(figures) if driver.change_fen * sign > 0]
    named = sorted(found, key=lambda driver: (-driver.change_fen * sign, driver.store_id, driver.reason))[:_NAMED]
    volume_fen = None
    if before.sold.amount_fen:
        sold_more_fen = now.sold.amount_fen - before.sold.amount_fen
        volume_fen = round(before.paid.amount_fen * sold_more_fen / before.sold.amount_fen)
    return Movement(
        change_fen=change_fen,
        volume_fen=volume_fen,
        drivers=named,
        rest_fen=change_fen - sum(driver.change_fen for driver in named),
    )


def _drivers(figures: Overview) -> Iterable[Driver]:
    parts: defaultdict[tuple[int, str], tuple[list[Cut], list[Cut]]] = defaultdict(lambda: ([], []))
    tills: defaultdict[int, set[str]] = defaultdict(set)
    for place, cuts in enumerate((figures.cuts, figures.previous_cuts)):
        for cut in cuts:
            parts[cut.store_id, cut.reason][place].append(cut)
            tills[cut.store_id].add(cut.terminal)
    for (store_id, reason), (ours, theirs) in parts.items():
        # With a single till in a store its name says nothing.
        terminal = _till(ours, theirs) if len(tills[store_id]) > 1 else ""
        yield Driver(
            store_id=store_id,
            reason=reason,
            terminal=terminal,
            terminal_count=sum(cut.count for cut in ours if terminal and cut.terminal == terminal),
            count=sum(cut.count for cut in ours),
            amount_fen=sum(cut.amount_fen for cut in ours),
            previous_count=sum(cut.count for cut in theirs),
            previous_fen=sum(cut.amount_fen for cut in theirs),
        )


def _till(ours: Iterable[Cut], theirs: Iterable[Cut]) -> str:
    changes: Counter[str] = Counter()
    for cuts, sign in ((ours, 1), (theirs, -1)):
        for cut in cuts:
            changes[cut.terminal] += sign * cut.amount_fen
    whole = changes.total()
    leading = max(changes, key=lambda code: (changes[code] * (-1 if whole < 0 else 1), code), default="")
    return leading if whole and changes[leading] / whole >= _NAMED_TILL else ""
