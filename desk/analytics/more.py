"""The other figures of domain.md, a line each: this period, the one before, and over how many."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from analytics.figures import Overview, Payouts, Share, Side
from desk.analytics.links import Links
from desk.analytics.wording import duration, percent, whole, yuan
from desk.templatetags.desk_format import NOTHING
from refunds.states import State


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure of both periods and over how many; with ``url`` the list that it counts."""

    label: str
    value: str
    previous: str
    n: str
    url: str = ""


def rows(
    *, figures: Overview, payouts: dict[bool, Payouts], fees_lost_fen: dict[bool, int], links: Links
) -> list[FigureRow]:
    """``payouts`` and ``fees_lost_fen``: True -> this period, False -> the one before."""
    now, before = figures.current, figures.previous
    ended, ended_before = payouts[True], payouts[False]
    rejected, rejected_before = (Share(side.submitted.rejected, side.submitted.decided) for side in (now, before))
    voids, voids_before = Share(ended.voids, now.sold.count), Share(ended_before.voids, before.sold.count)
    first, first_before = (Share(part.first_pass, part.ended) for part in (ended, ended_before))
    rates = percent(now.cohort_rate.value, 2), percent(before.cohort_rate.value, 2)
    medians, fees = (_median(now), _median(before)), (yuan(fees_lost_fen[True]), yuan(fees_lost_fen[False]))
    url = links.submitted(states=State.REJECTED) if rejected.part else ""
    return [
        FigureRow(gettext("Refund rate of these sales"), *rates, whole(now.sold.count)),
        _share(gettext("Voids per sale"), voids, voids_before, digits=2),
        _share(gettext("Paid at the first call"), first, first_before),
        _share(gettext("Instant refunds"), now.instant_share, before.instant_share),
        FigureRow(gettext("From submission to success, median · P90"), *medians, whole(now.cycle.n)),
        _share(gettext("Rejected of those decided"), rejected, rejected_before, url=url),
        FigureRow(gettext("Fees lost"), *fees, whole(now.paid.count)),
    ]


def _share(label: str, now: Share, before: Share, *, digits: int = 1, url: str = "") -> FigureRow:
    """Over how many of how many: ``11 / 241``."""
    n = f"{whole(now.part)} / {whole(now.whole)}"
    return FigureRow(label, percent(now.value, digits), percent(before.value, digits), n, url)


def _median(side: Side) -> str:
    """Median and P90: ``6:14 · 16:48``."""
    return f"{duration(side.cycle.median_s)} · {duration(side.cycle.p90_s)}" if side.cycle.n else NOTHING
