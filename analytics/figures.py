"""The figures of a period and of the one before, as domain.md defines them. Amounts in fen, durations in seconds.

Two bases, and every figure says which it has. By success: money that came back in the period, whenever it was asked for. By
submission: what became of the requests that were handed in in the period. A share of nothing is None, never zero.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from core.errors import FieldError, Invalid
from core.numbers import spellings
from merchants.models import Store


class UnknownStore(Invalid, code="unknown_store"):
    """The merchant has no such store, or not one that this caller may see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """``store_ids`` None means every store of the merchant, an empty tuple none of them; no channel means all."""

    merchant_id: int
    store_ids: tuple[int, ...] | None = None
    channel: str = ""


def narrowed(
    *, merchant_id: int, store_ids: Collection[int] | None, store_code: str = "", channel: str = ""
) -> Selection:
    """What a caller who may see ``store_ids`` (None: all) gets when they ask for one store or channel.

    Raises ``UnknownStore``.
    """
    ids = None if store_ids is None else tuple(sorted(store_ids))
    if store_code:
        named = Store.objects.filter(merchant_id=merchant_id, code__in=spellings(store_code))
        found = named.values_list("pk", flat=True).first()
        if found is None or (ids is not None and found not in ids):
            message = "there is no such store"
            raise UnknownStore(message, errors=[FieldError("store", UnknownStore.code)])
        ids = (found,)
    return Selection(merchant_id=merchant_id, store_ids=ids, channel=channel)


#: From this score on a customer counts as satisfied.
SATISFIED_FROM = 4


@dataclass(frozen=True, slots=True)
class Share:
    """``part`` of ``whole``; ``whole`` is the n to state beside it, unless it is money."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Paid:
    """By success: refunds whose money came back. ``instant``: approved by rule and paid within five minutes."""

    count: int = 0
    amount_fen: int = 0
    instant: int = 0


@dataclass(frozen=True, slots=True)
class Sold:
    """Successful payments by date of payment, deposits among them. ``refunded_fen``: what of them has come back so far."""

    count: int = 0
    amount_fen: int = 0
    refunded_fen: int = 0


@dataclass(frozen=True, slots=True)
class Submitted:
    """By submission: what became of the requests. The four ends add up to ``count``, ``open`` being one of them.

    ``by_person``: approved by somebody. ``in_time``: decided before the due time. ``overdue``: in review and past it.
    """

    count: int = 0
    by_rule: int = 0
    by_person: int = 0
    decided: int = 0
    refunded: int = 0
    rejected: int = 0
    cancelled: int = 0
    failed: int = 0
    in_time: int = 0
    overdue: int = 0

    @property
    def open(self) -> int:
        return self.count - self.refunded - self.rejected - self.cancelled

    @property
    def by_rule_share(self) -> Share:
        return Share(self.by_rule, self.count)

    @property
    def on_time(self) -> Share:
        """Decided within the due time, of those decided or overdue. Withdrawn requests count on neither side."""
        return Share(self.in_time, self.decided + self.overdue)

    @property
    def success(self) -> Share:
        """Refunded, of those whose payout came to an end."""
        return Share(self.refunded, self.refunded + self.failed)


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations in seconds over ``n``; percentiles are interpolated."""

    n: int = 0
    median_s: float | None = None
    p90_s: float | None = None
    mean_s: float | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Scores of customers refunded in the period: score -> how many. ``asked``: refunds they could have answered about."""

    scores: dict[int, int] = field(default_factory=dict)
    asked: int = 0
    low_by_reason: dict[str, int] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return sum(self.scores.values())

    @property
    def mean(self) -> float | None:
        return sum(score * count for score, count in self.scores.items()) / self.n if self.n else None

    @property
    def satisfied(self) -> Share:
        return Share(sum(count for score, count in self.scores.items() if score >= SATISFIED_FROM), self.n)

    @property
    def answered(self) -> Share:
        return Share(self.n, self.asked)


@dataclass(frozen=True, slots=True)
class Payouts:
    """By submission: ended payouts, those paid, those paid by the first call, and voids among the paid."""

    ended: int = 0
    paid: int = 0
    first_pass: int = 0
    voids: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnover:
    """What came back and what was sold: in a period, at a store, at a till, by a cashier."""

    paid: Paid = field(default_factory=Paid)
    sold: Sold = field(default_factory=Sold)

    @property
    def refund_rate(self) -> Share:
        """By value: refunds that succeeded in the period to sales of the period."""
        return Share(self.paid.amount_fen, self.sold.amount_fen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side(Turnover):
    """Everything about one period as a whole."""

    submitted: Submitted = field(default_factory=Submitted)
    handling: Spread = field(default_factory=Spread)
    arrival: Spread = field(default_factory=Spread)
    cycle: Spread = field(default_factory=Spread)
    answers: Answers = field(default_factory=Answers)
    #: Known customers refunded 90 days before who have bought again since, whenever in them.
    repeat: Share = Share(0, 0)

    @property
    def cohort_rate(self) -> Share:
        """By value: what has come back so far of the period's own sales."""
        return Share(self.sold.refunded_fen, self.sold.amount_fen)

    @property
    def instant_share(self) -> Share:
        return Share(self.paid.instant, self.paid.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket(Turnover):
    """One bar of the trend: an hour, a day or a week, with the same stage of the previous period."""

    previous_paid: Paid = field(default_factory=Paid)
    submitted: Submitted = field(default_factory=Submitted)
    handling: Spread = field(default_factory=Spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonFigures:
    reason: str
    paid: Paid


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFigures(Turnover):
    store_id: int
    code: str
    name: str
    submitted: Submitted = field(default_factory=Submitted)
    handling: Spread = field(default_factory=Spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFigures:
    channel: str
    submitted: Submitted
    arrival: Spread = field(default_factory=Spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class CashierFigures(Turnover):
    """A cashier's code means one person only within its store."""

    cashier: str
    store_code: str
    store_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TillFigures(Turnover):
    """A till's code means one till only within its store. ``reason``: what most of its refunds are for, ``reason_count`` of them.

    ``previous`` is what came back there in the period before.
    """

    code: str
    store_code: str
    store_name: str
    previous: Paid = field(default_factory=Paid)
    reason: str = ""
    reason_count: int = 0


@dataclass(frozen=True, slots=True)
class ReviewerFigures:
    """Approvals and rejections of requests submitted in the period; ``median_s`` from submission to decision."""

    staff_id: int
    name: str
    decided: int
    approved: int
    median_s: float | None
    in_time: int


@dataclass(frozen=True, slots=True)
class FailureFigures:
    """Payouts that stand failed, by the channel's own code."""

    code: str
    message: str
    count: int
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Refunds paid at one till for one reason: what causes are looked for in. ``terminal`` is "" without a till."""

    store_id: int
    terminal: str
    reason: str
    count: int
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A period's figures. ``heat[weekday][hour]`` counts submissions, Monday first. Rankings are in order of size.

    ``store_names``: code and name of every store that is looked at, also of those where nothing happened.
    """

    current: Side
    previous: Side
    buckets: list[Bucket]
    reasons: list[ReasonFigures]
    previous_reasons: dict[str, Paid]
    store_names: dict[int, tuple[str, str]]
    stores: list[StoreFigures]
    channels: list[ChannelFigures]
    tills: list[TillFigures]
    cashiers: list[CashierFigures]
    reviewers: list[ReviewerFigures]
    failures: list[FailureFigures]
    heat: list[list[int]]
    cuts: list[Cut]
    previous_cuts: list[Cut]
