"""The strip of key figures: value, n, change against the previous period, course."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from analytics.figures import Bucket, Overview, Payouts, Share, Side
from analytics.periods import Period
from analytics.statements import DECIDED
from desk.analytics.links import Links, several
from desk.analytics.wording import Change, change, duration, percent, points, whole, yuan
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
        _share(gettext("Bought again within 90 days of a refund"), now.repeat, before.repeat),
        FigureRow(gettext("Fees lost"), *fees, whole(now.paid.count)),
    ]


def _share(label: str, now: Share, before: Share, *, digits: int = 1, url: str = "") -> FigureRow:
    """Over how many of how many: ``11 / 241``."""
    n = f"{whole(now.part)} / {whole(now.whole)}"
    return FigureRow(label, percent(now.value, digits), percent(before.value, digits), n, url)


def _median(side: Side) -> str:
    """Median and P90: ``6:14 · 16:48``."""
    return f"{duration(side.cycle.median_s)} · {duration(side.cycle.p90_s)}" if side.cycle.n else NOTHING


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """``spark`` is its course."""

    label: str
    value: str
    small: str
    moved: Change
    spark: Sequence[float]
    url: str

    @property
    def delta(self) -> str:
        return self.moved.text


def kpis(*, figures: Overview, period: Period, links: Links) -> list[KeyFigure]:
    """Five figures, in the order of the page."""
    begun = [bucket for index, bucket in enumerate(figures.buckets) if period.bucket_span(index)[0] <= period.now]
    now, before = figures.current, figures.previous
    on_time = now.submitted.on_time
    return [
        KeyFigure(
            gettext("Refunded amount"),
            yuan(now.paid.amount_fen),
            gettext("%(n)s refunds") % {"n": whole(now.paid.count)},
            _relative(now.paid.amount_fen, before.paid.amount_fen),
            _course(begun, lambda bucket: bucket.paid.amount_fen),
            links.succeeded(),
        ),
        KeyFigure(
            gettext("Refund rate by value"),
            percent(now.refund_rate.value, 2),
            gettext("%(n)s of %(sales)s sales") % {"n": whole(now.paid.count), "sales": whole(now.sold.count)},
            change(now.refund_rate.value, before.refund_rate.value, more_is_better=False, floor=5e-5, words=points(2)),
            _course(begun, lambda bucket: bucket.refund_rate.value),
            links.succeeded(),
        ),
        KeyFigure(
            gettext("Share approved by rule"),
            percent(now.submitted.by_rule_share.value),
            gettext("%(n)s of %(whole)s submitted")
            % {"n": whole(now.submitted.by_rule), "whole": whole(now.submitted.count)},
            _more_is_better(now.submitted.by_rule_share, before.submitted.by_rule_share),
            _course(begun, lambda bucket: bucket.submitted.by_rule_share.value),
            links.submitted(by_rule="1"),
        ),
        KeyFigure(
            gettext("Median handling time"),
            duration(now.handling.median_s),
            gettext("P90 %(p90)s · n = %(n)s") % {"p90": duration(now.handling.p90_s), "n": whole(now.handling.n)},
            change(now.handling.median_s, before.handling.median_s, more_is_better=False, floor=1, words=duration),
            _course(begun, lambda bucket: bucket.handling.median_s),
            links.submitted(by_rule="0", states=several(DECIDED)),
        ),
        KeyFigure(
            gettext("Share on time"),
            percent(on_time.value),
            gettext("%(late)s late of %(whole)s")
            % {"late": whole(on_time.whole - on_time.part), "whole": whole(on_time.whole)},
            _more_is_better(on_time, before.submitted.on_time),
            _course(begun, lambda bucket: bucket.submitted.on_time.value),
            links.submitted(late="1"),
        ),
    ]


def _relative(now: int, before: int) -> Change:
    """How money moved, in per cent of what it was; from nothing there is no saying."""
    grown = now / before - 1 if before else None
    return change(grown, 0.0, more_is_better=False, floor=5e-4, words=percent)


def _more_is_better(now: Share, before: Share) -> Change:
    return change(now.value, before.value, more_is_better=True, floor=5e-4, words=points(1))


def _course(buckets: Iterable[Bucket], value: Callable[[Bucket], float | None]) -> list[float]:
    """The figure bar by bar, left out where it has none."""
    return [found for bucket in buckets if (found := value(bucket)) is not None]
