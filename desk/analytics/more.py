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
    rejected, rejected_before = _rejected(now), _rejected(before)
    return [
        FigureRow(
            gettext("Refund rate of these sales"),
            percent(now.cohort_rate.value, 2),
            percent(before.cohort_rate.value, 2),
            _sales(now),
        ),
        FigureRow(
            gettext("Voids per sale"),
            percent(Share(ended.voids, now.sold.count).value, 2),
            percent(Share(ended_before.voids, before.sold.count).value, 2),
            _of(Share(ended.voids, now.sold.count)),
        ),
        FigureRow(
            gettext("Paid at the first call"),
            percent(Share(ended.first_pass, ended.ended).value),
            percent(Share(ended_before.first_pass, ended_before.ended).value),
            _of(Share(ended.first_pass, ended.ended)),
        ),
        FigureRow(
            gettext("Instant refunds"),
            percent(now.instant_share.value),
            percent(before.instant_share.value),
            _of(now.instant_share),
        ),
        FigureRow(
            gettext("From submission to success, median · P90"),
            _median(now),
            _median(before),
            whole(now.cycle.n),
        ),
        FigureRow(
            gettext("Rejected of those decided"),
            percent(rejected.value),
            percent(rejected_before.value),
            _of(rejected),
            url=links.submitted(states=State.REJECTED) if rejected.part else "",
        ),
        FigureRow(
            gettext("Fees lost"),
            yuan(fees_lost_fen[True]),
            yuan(fees_lost_fen[False]),
            whole(now.paid.count),
        ),
    ]


def _rejected(side: Side) -> Share:
    return Share(side.submitted.rejected, side.submitted.decided)


def _of(share: Share) -> str:
    """How many of how many: ``11 / 241``."""
    return f"{whole(share.part)} / {whole(share.whole)}"


def _sales(side: Side) -> str:
    return whole(side.sold.count)


def _median(side: Side) -> str:
    """Median and P90: ``6:14 · 16:48``."""
    return f"{duration(side.cycle.median_s)} · {duration(side.cycle.p90_s)}" if side.cycle.n else NOTHING
