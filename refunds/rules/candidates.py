"""How well a sale fits what a customer without a receipt remembers: a pure function to a score with its reasons.

What a stranger could guess counts little: store, till and way of payment alone never make a candidate. Two of amount, time, card,
phone and article must fit (``terminals.finding``).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: So far off an amount is still remembered as it was, in hundredths.
NEAR_PERCENT = 5
#: So far beside the time that was named.
NEAR_TIME = timedelta(days=1)

#: Facts of which two must fit.
STRONG = ("amount", "time", "card", "phone", "article")

#: (what fits, how much it counts, in words): an entry for each way.
WEIGHTS: dict[str, tuple[int, Promise]] = {
    "amount": (35, _("The amount is the same")),
    "amount_near": (20, _("The amount is nearly the same")),
    "time": (25, _("Paid in the time named")),
    "time_near": (10, _("Paid within a day of the time named")),
    "card": (30, _("The card ends the same")),
    "phone": (30, _("The phone ends the same")),
    "article": (20, _("The article was bought")),
    "store": (5, _("In this store")),
    "terminal": (10, _("At this till")),
    "channel": (5, _("Paid this way")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is remembered; empty: nothing. ``since`` and ``until`` are the time of the payment, from, and up to without it."""

    amount_fen: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    card_last4: str = ""
    phone_last4: str = ""
    sku: str = ""
    store: str = ""
    terminal: str = ""
    channel: str = ""

    @property
    def strong(self) -> list[str]:
        """Which of ``STRONG`` are told."""
        given = (self.amount_fen, self.since or self.until, self.card_last4, self.phone_last4, self.sku)
        return [name for name, value in zip(STRONG, given, strict=True) if value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a sale says of itself. Of its payer only whether they are the one: ``phone_fits``."""

    amount_fen: int
    paid_at: datetime
    card_last4: str
    phone_fits: bool
    skus: Collection[str]
    store: str
    terminal: str
    channel: str


@dataclass(frozen=True, slots=True)
class Score:
    """``reasons`` are names of ``WEIGHTS``."""

    points: int
    reasons: Sequence[str]

    @property
    def facts(self) -> list[str]:
        """The strong facts that fit."""
        fitting = {name.removesuffix("_near") for name in self.reasons}
        return [name for name in STRONG if name in fitting]

    @property
    def is_candidate(self) -> bool:
        return len(self.facts) >= 2


def score(told: Told, sale: Known) -> Score:
    """How well a sale fits, 0 to 160, and why."""
    reasons = []
    if told.amount_fen:
        off = abs(sale.amount_fen - told.amount_fen)
        if off * 100 <= told.amount_fen * NEAR_PERCENT:
            reasons.append("amount_near" if off else "amount")
    if told.since or told.until:
        before = told.since is not None and sale.paid_at < told.since
        after = told.until is not None and sale.paid_at >= told.until
        near = (told.since is None or sale.paid_at >= told.since - NEAR_TIME) and (
            told.until is None or sale.paid_at < told.until + NEAR_TIME
        )
        if near:
            reasons.append("time_near" if before or after else "time")
    fits = {
        "card": told.card_last4 and told.card_last4 == sale.card_last4,
        "phone": told.phone_last4 and sale.phone_fits,
        "article": told.sku and told.sku in sale.skus,
        "store": told.store and told.store == sale.store,
        "terminal": told.terminal and (told.store, told.terminal) == (sale.store, sale.terminal),
        "channel": told.channel and told.channel == sale.channel,
    }
    reasons += [name for name, fit in fits.items() if fit]
    return Score(sum(WEIGHTS[name][0] for name in reasons), reasons)
