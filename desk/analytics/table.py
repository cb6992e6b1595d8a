"""The figures as a table to take away: one figure a line, with its n and basis."""

from collections.abc import Iterator

from django.utils.translation import gettext

from analytics.drivers import movement
from analytics.figures import Overview, Paid, Payouts, Share, Side, Sold
from analytics.periods import Period
from core.money import yuan
from core.spreadsheets import cell, csv_lines, name
from merchants import channels
from refunds.states import Reason

Line = tuple[str, str, str, str, str, str]


def csv_text(*, figures: Overview, period: Period, payouts: dict[bool, Payouts], fees_lost_fen: dict[bool, int]) -> str:
    """The whole table as CSV for spreadsheets: UTF-8 with a mark, texts that cannot become formulas.

    ``payouts`` and ``fees_lost_fen``: True -> this period, False -> the one before.
    """
    first, last = period.first_date.isoformat(), period.last_date.isoformat()
    headers = gettext("Figure"), gettext("Item"), gettext("Value"), gettext("Unit"), "n", gettext("Basis")
    table = [[*headers, gettext("From"), gettext("To")]]
    before = period.previous_first_date.isoformat(), period.previous_last_date.isoformat()
    for span, lines in (
        ((first, last), [*_side(figures.current), *_more(figures.current, payouts[True], fees_lost_fen[True])]),
        ((first, last), _cuts(figures, period)),
        (before, [*_side(figures.previous), *_more(figures.previous, payouts[False], fees_lost_fen[False])]),
    ):
        table += ([*_cells(line), *span] for line in lines)
    return "".join(csv_lines(table))


def _cells(line: Line) -> list[str]:
    """Codes of stores, tills and cashiers stay as they are; a day of the trend is one."""
    figure, item, *rest = line
    return [cell(figure), cell(item) if figure == gettext("Trend") else name(item), *map(cell, rest)]


def _side(side: Side) -> Iterator[Line]:
    success, submission = gettext("date of success"), gettext("date of submission")
    sale = gettext("date of sale")
    yield from _money(gettext("Refunded amount"), "", side.paid, success)
    yield gettext("Sales"), "", yuan(side.sold.amount_fen), "CNY", str(side.sold.count), sale
    yield _rate(gettext("Refund rate by value"), "", side.refund_rate, side.sold, success)
    yield _rate(gettext("Refund rate of these sales"), "", side.cohort_rate, side.sold, sale)
    yield _share(gettext("Instant"), "", side.instant_share, success)
    done = side.submitted
    for label, count in (
        (gettext("Submitted"), done.count),
        (gettext("Approved by rule"), done.by_rule),
        (gettext("Approved by a person"), done.by_person),
        (gettext("Refunded"), done.refunded),
        (gettext("Rejected"), done.rejected),
        (gettext("Withdrawn"), done.cancelled),
        (gettext("Still open"), done.open),
    ):
        yield label, "", str(count), "", str(done.count), submission
    yield _share(gettext("Approved by rule"), "", done.by_rule_share, submission)
    yield _share(gettext("On time"), "", done.on_time, submission)
    for label, spread in (
        (gettext("Handling time"), side.handling),
        (gettext("From approval to success"), side.arrival),
        (gettext("From submission to success"), side.cycle),
    ):
        for item, value in (("P50", spread.median_s), ("P90", spread.p90_s), (gettext("mean"), spread.mean_s)):
            yield label, item, _number(value), "s", str(spread.n), submission
    yield gettext("Mean score"), "", _number(side.answers.mean), "1-5", str(side.answers.n), success
    yield _share(gettext("Satisfied"), "", side.answers.satisfied, success)
    yield _share(gettext("Answered"), "", side.answers.answered, success)
    yield _share(gettext("Bought again within 90 days of a refund"), "", side.repeat, gettext("90 days after success"))


def _more(side: Side, ended: Payouts, lost_fen: int) -> Iterator[Line]:
    success, submission = gettext("date of success"), gettext("date of submission")
    yield _share(gettext("Voids per sale"), "", Share(ended.voids, side.sold.count), submission)
    yield _share(gettext("Paid at the first call"), "", Share(ended.first_pass, ended.ended), submission)
    yield gettext("Fees lost"), "", yuan(lost_fen), "CNY", str(side.paid.count), success


def _cuts(figures: Overview, period: Period) -> Iterator[Line]:
    success, submission = gettext("date of success"), gettext("date of submission")
    for index, bucket in enumerate(figures.buckets):
        start, _ = period.bucket_span(index)
        label = f"{start:%Y-%m-%d %H:%M}" if period.by_hour else f"{start:%Y-%m-%d}"
        yield from _money(gettext("Trend"), label, bucket.paid, success)
    running = 0
    for reason in figures.reasons:
        label = str(Reason(reason.reason).label)
        yield from _money(gettext("Reasons"), label, reason.paid, success)
        running += reason.paid.count
        so_far = Share(running, figures.current.paid.count)
        yield _share(gettext("Reasons, share so far"), label, so_far, success)
    for failure in figures.failures:
        item = f"{failure.code} {failure.message}".strip()
        yield gettext("Why payouts failed"), item, str(failure.count), "", str(failure.count), submission
    for store in figures.stores:
        item = f"{store.code} {store.name}"
        yield from _money(gettext("Stores"), item, store.paid, success)
        yield _rate(gettext("Stores, refund rate"), item, store.refund_rate, store.sold, success)
        yield _share(gettext("Stores, approved by rule"), item, store.submitted.by_rule_share, submission)
        median = _number(store.handling.median_s)
        yield gettext("Stores, median handling time"), item, median, "s", str(store.handling.n), submission
    for channel in figures.channels:
        item = channels.label(channel.channel)
        yield _share(gettext("Channels, success"), item, channel.submitted.success, submission)
        median = _number(channel.arrival.median_s)
        yield gettext("Channels, median arrival"), item, median, "s", str(channel.arrival.n), submission
    for cashier in figures.cashiers:
        item = f"{cashier.store_code} {cashier.cashier}".strip()
        yield from _money(gettext("Cashiers"), item, cashier.paid, success)
        yield _rate(gettext("Cashiers, refund rate"), item, cashier.refund_rate, cashier.sold, success)
    for till in figures.tills:
        item = f"{till.store_code} {till.code}"
        yield from _money(gettext("Tills"), item, till.paid, success)
        yield _rate(gettext("Tills, refund rate"), item, till.refund_rate, till.sold, success)
    yield from _drivers(figures, success)
    for reviewer in figures.reviewers:
        decided = str(reviewer.decided)
        yield gettext("Reviewers, approved"), reviewer.name, str(reviewer.approved), "", decided, submission
        yield gettext("Reviewers, on time"), reviewer.name, str(reviewer.in_time), "", decided, submission
        median = _number(reviewer.median_s)
        yield gettext("Reviewers, median time"), reviewer.name, median, "s", decided, submission
    for weekday, hours in enumerate(figures.heat, start=1):
        for hour, count in enumerate(hours):
            if count:
                yield (
                    gettext("Submitted by weekday and hour"),
                    f"{weekday} {hour:02d}:00",
                    str(count),
                    "",
                    "",
                    submission,
                )


def _drivers(figures: Overview, basis: str) -> Iterator[Line]:
    """What changed against the period before, and by how much. n is the number of refunds now."""
    moved = movement(figures)
    for driver in moved.drivers:
        store_code, _name = figures.store_names[driver.store_id]
        item = f"{store_code} {Reason(driver.reason).label} {driver.terminal}".strip()
        yield gettext("Change by cause"), item, yuan(driver.change_fen), "CNY", str(driver.count), basis
    if moved.drivers:
        yield gettext("Change by cause"), gettext("Everything else"), yuan(moved.rest_fen), "CNY", "", basis


def _money(figure: str, item: str, paid: Paid, basis: str) -> Iterator[Line]:
    yield figure, item, yuan(paid.amount_fen), "CNY", str(paid.count), basis


def _rate(figure: str, item: str, share: Share, sold: Sold, basis: str) -> Line:
    """A rate by value; its n is the number of sales."""
    return figure, item, _per_cent(share), "%", str(sold.count), basis


def _share(figure: str, item: str, share: Share, basis: str) -> Line:
    return figure, item, _per_cent(share), "%", str(share.whole), basis


def _per_cent(share: Share) -> str:
    return "" if share.value is None else f"{share.value * 100:.4f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")
