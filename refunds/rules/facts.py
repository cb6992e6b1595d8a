"""What a request is judged on, and the canonical text in which it is kept: the judgement can be made again from it.

The text is JSON with sorted keys and without blanks; what has its usual value is left out. It holds no personal data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any

import orjson

from core.quantities import Quantity, quantity_text
from core.values import value
from refunds.rules.deposits import Deposit
from refunds.rules.standing import EqualCharges, Standing

_DAY = timedelta(days=1)

#: Of facts and judgement together: raised whenever the same facts could give another verdict than before. Since 2 articles of
#: several groups have no more without a person than the policy's limit gives the one of them that names none.
SCHEMA = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LineClaim:
    """Pieces of an article asked back, against what may still come back. ``value_fen`` is what was paid for them,
    ``charged_fen`` what the till's line says. Of an article sold at two prices, ``is_dearer`` or ``is_cheaper``.
    """

    sku: str
    quantity: Quantity
    returnable: Quantity
    value_fen: int
    charged_fen: int = 0
    is_dearer: bool = False
    is_cheaper: bool = False


@value(kw_only=True)
class Facts:
    """What is known when a request is judged. Amounts in fen.

    ``original_failed``: the channel refused this refund for good. ``on_this_route_fen``: what other refunds of the sale
    take on the same route, where a person pays. ``duplicate_of``: number of the refund of its order that asked for the same;
    ``is_another``: whoever asks says that it is another one. ``payment_word``: what its channel says of the payment
    (``refunds.rules.payment``). ``sums``: what its order, customer, cashier and key have had before.

    ``store`` is its code, ``groups`` are the article groups that may come back. ``remote``: sold without the customer there.
    ``goods_found``: what became of goods that were asked for (``refunds.rules.goods``).
    ``evidence``: kinds that were given; ``seen_on``: number of the refund of another sale that one of the files came with.
    ``deposit``: what it is of, and why it ends. ``agreed_fen``: what the customer agreed to since.
    ``no_sale``: nobody found it, and something stands in.
    ``store_open``: None where the hours are not known.
    ``opening`` are the times that it is open from then on (``refunds.rules.clocks``). ``grace_hours`` a disaster gives those
    who decide, ``graces`` those who ask: days from the payment to the beginning of each, and its hours.
    ``fee_rate_bp`` in hundredths of a per cent, ``arrival_days`` working days, first and last. ``always_review``: the mandate of
    the key that asks leaves everything to a person.
    """

    at: datetime
    amount_fen: int
    reason: str
    route: str
    consent: bool | None
    paid_fen: int
    refundable_fen: int
    paid: bool
    paid_at: datetime
    funding: str
    has_channel: bool
    channel_window_days: int
    channel_max_refunds: int
    refunds_so_far: int
    terminal_enabled: bool
    original_failed: bool = False
    on_this_route_fen: int = 0
    claims: Sequence[LineClaim] = ()
    duplicate_of: str = ""
    is_another: bool = False
    sale_held: bool = False
    payment_word: str = ""
    store: str = ""
    groups: Sequence[str] = ()
    remote: bool = False
    goods_received: bool = False
    goods_found: str = ""
    evidence: Sequence[str] = ()
    seen_on: str = ""
    deposit: Deposit | None = None
    agreed_fen: int | None = None
    no_sale: bool = False
    store_open: bool | None = None
    opening: Sequence[int] = ()
    grace_hours: int = 0
    graces: Sequence[Sequence[int]] = ()
    fee_rate_bp: int = 0
    fee_returned: bool = True
    arrival_days: tuple[int, int] = (0, 0)
    always_review: bool = False
    sums: Standing = field(default_factory=Standing)

    @property
    def days_of_window(self) -> int:
        """Days of the channel's window that are used: a moment past day 365 is day 366. Channels count by the moment."""
        return max(0, -((self.paid_at - self.at) // _DAY))

    @property
    def days(self) -> int:
        """Days begun since the payment: its own day is day 0."""
        return max(0, (self.at - self.paid_at).days)

    @property
    def original_is_open(self) -> bool:
        """Whether the channel that was paid through would still take a refund."""
        in_time = self.days_of_window <= self.channel_window_days
        return (
            self.has_channel and in_time and self.refunds_so_far < self.channel_max_refunds and not self.original_failed
        )


def canonical(value: Mapping[str, Any]) -> str:
    """The one text of a value: sorted, without blanks."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def as_text(facts: Facts, *, who: Mapping[str, Any]) -> str:
    """What is kept of a judgement. ``who`` are the keyed names under which its order, customer, cashier and key are counted."""
    return canonical({"schema": SCHEMA, "facts": _said(facts), "who": who})


def from_text(text: str) -> Facts | None:
    """The facts again; None where another schema kept them: they may give another verdict today."""
    return kept_in(text)[0]


def who(text: str) -> dict[str, Any]:
    """The keyed names in a kept text."""
    found: dict[str, Any] = orjson.loads(text)["who"]
    return found


def kept_in(text: str) -> tuple[Facts | None, dict[str, Any]]:
    """Both, read once."""
    kept = orjson.loads(text)
    return (_facts(kept["facts"]) if _is_judged_alike(kept) else None), kept.get("who", {})


def _is_judged_alike(kept: Mapping[str, Any]) -> bool:
    """Whether today's judgement says of them what that of their schema said."""
    return kept["schema"] == SCHEMA or (kept["schema"] == 1 and len(kept["facts"].get("groups", ())) < 2)


def _facts(data: dict[str, Any]) -> Facts:
    for name in ("at", "paid_at"):
        data[name] = datetime.fromisoformat(data[name])
    if "arrival_days" in data:
        first, last = data["arrival_days"]
        data["arrival_days"] = (first, last)
    data["claims"] = [
        LineClaim(**{**claim, **{name: Decimal(claim[name]) for name in _QUANTITIES}})
        for claim in data.get("claims", ())
    ]
    if "deposit" in data:
        data["deposit"] = Deposit(**data["deposit"])
    sums = data.get("sums", {})
    if "charges" in sums:
        sums["charges"] = EqualCharges(**sums["charges"])
    return Facts(**{**data, "sums": Standing(**sums)})


#: What is kept of each, all at once: names, usual values, and what reads them off; a counter's name and day are no facts.
_NOT_KEPT = frozenset({"key", "day", "past", "budgets", "exchanged_fen"})
_KEPT = {
    kind: (names, [one.default for one in fields(kind) if one.name in names], attrgetter(*names))
    for kind in (Facts, LineClaim, Standing, EqualCharges, Deposit)
    if (names := [one.name for one in fields(kind) if one.name not in _NOT_KEPT])
}
_QUANTITIES = ("quantity", "returnable")
_NESTED = (LineClaim, Standing, EqualCharges, Deposit)


def _said(one: Facts | LineClaim | Standing | EqualCharges | Deposit) -> dict[str, Any]:
    names, usual, read = _KEPT[type(one)]
    said = {
        name: quantity_text(value) if name in _QUANTITIES else _plain(value)
        for name, value, default in zip(names, read(one), usual, strict=True)
        if default is MISSING or value != default
    }
    if isinstance(one, Facts):
        for name in ("claims", "groups", "evidence", "opening", "graces", "sums"):
            if not said.get(name):
                said.pop(name, None)
    return said


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, _NESTED):
        return _said(value)
    return [_plain(one) for one in value]
