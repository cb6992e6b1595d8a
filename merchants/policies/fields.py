"""Every field of a policy's rules, once: what it is called, its unit and bounds, what holds where it is left out.

The reader, the words, the difference between two versions and the forms are made from these tables. A section is where a
field stands in the JSON: ``""`` at the top, ``tiers[]``, ``reasons.*``, ``exceptions[]``, ``route_rules.*``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Unit(StrEnum):
    """What a value is. ``codes`` are names that others define: stores, article groups, reasons, roles, routes, fundings."""

    FEN = "fen"
    COUNT = "count"
    PERCENT = "percent"
    DAYS = "days"
    HOURS = "hours"
    MINUTES = "minutes"
    YES_NO = "yes_no"
    CHOICE = "choice"
    CHOICES = "choices"
    TEXT = "text"
    CODES = "codes"


class Extent(StrEnum):
    """How much of a sale a reason may refund: only all of it, only a part, either, or nothing without a person."""

    FULL = "full"
    PARTIAL = "partial"
    ANY = "any"
    NONE = "none"


class Proof(StrEnum):
    """What a policy may want to see before it pays."""

    PHOTO = "photo"
    RECEIPT = "receipt"
    WITNESS = "witness"
    TERMS = "terms"
    DOCUMENT = "document"


EXTENTS: Mapping[str, Promise] = {
    Extent.ANY: _("all or part of the amount"),
    Extent.FULL: _("full amount only"),
    Extent.PARTIAL: _("part of the amount"),
    Extent.NONE: _("nothing without a person"),
}
PROOFS: Mapping[str, Promise] = {
    Proof.PHOTO: _("photo"),
    Proof.RECEIPT: _("receipt"),
    Proof.WITNESS: _("a colleague who saw it"),
    Proof.TERMS: _("agreed terms"),
    Proof.DOCUMENT: _("document"),
}
PLAN_RULES: Mapping[str, Promise] = {
    "pro_rata": _("by each payment's share"),
    "reverse": _("the last payment first"),
    "highest_first": _("the largest payment first"),
    "stored_value_first": _("stored value first"),
}

NO_LIMIT = _("no limit")
_REQUIRED = object()
_MONEY = 10**11
_MUCH_MONEY = 10**14


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value of the rules. ``default`` holds where it is left out; ``null`` says what JSON's null means, where it may stand.

    ``follows`` says what holds where it is left out and that is no fixed value.
    """

    section: str
    name: str
    unit: Unit
    label: Promise
    least: int = 0
    most: int = 0
    choices: Mapping[str, Promise] = field(default_factory=dict)
    default: Any = _REQUIRED
    null: Promise | None = None
    follows: Promise | None = None

    @property
    def path(self) -> str:
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def is_required(self) -> bool:
        return self.default is _REQUIRED

    def read(self, data: Mapping[str, Any]) -> Any:
        """Its value in ``data``, which is the section's. Raises ``KeyError`` or ``ValueError``, which name the field."""
        if self.name not in data and not self.is_required:
            return self.default
        value = data[self.name]
        if value is None and self.null is not None:
            return None
        try:
            return self._checked(value)
        except ValueError as error:
            raise ValueError(f"{self.path}: {error}") from error

    def _checked(self, value: Any) -> Any:
        if self.unit is Unit.YES_NO:
            # No truthiness here: the text "false" would switch automatic approval on.
            if not isinstance(value, bool):
                raise ValueError(f"{value!r} is not true or false")
            return value
        if self.unit is Unit.TEXT:
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"{value!r} is not a text")
            return value
        if self.unit is Unit.CHOICE:
            if value not in self.choices:
                raise ValueError(f"{value!r} is none of {', '.join(self.choices)}")
            return str(value)
        if self.unit in (Unit.CHOICES, Unit.CODES):
            if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one for one in value):
                raise ValueError(f"{value!r} is not a list of names")
            if self.choices and (unknown := [one for one in value if one not in self.choices]):
                raise ValueError(f"{unknown[0]!r} is none of {', '.join(self.choices)}")
            return tuple(dict.fromkeys(value))
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise ValueError(f"{value!r} is not a whole number from {self.least} to {self.most}")
        return value


def _fields(section: str, rows: Iterable[tuple[str, Unit, Promise, dict[str, Any]]]) -> tuple[Field, ...]:
    return tuple(Field(section=section, name=name, unit=unit, label=label, **rest) for name, unit, label, rest in rows)


_OPTIONAL_FEN = {"most": _MUCH_MONEY, "default": None, "null": NO_LIMIT}
_OPTIONAL_COUNT = {"most": 10**9, "default": None, "null": NO_LIMIT}
_AS_ONE = {"most": _MONEY, "default": None, "follows": _("the limit of one refund")}

POLICY = _fields(
    "",
    [
        ("auto_approve_limit_fen", Unit.FEN, _("Approved without a person up to"), {"most": _MONEY}),
        ("handling_minutes", Unit.MINUTES, _("Simple cases are answered within"), {"least": 1, "most": 60 * 24 * 30}),
        ("complex_handling_hours", Unit.HOURS, _("Other cases are answered within"), {"least": 1, "most": 24 * 30}),
        ("routes", Unit.CODES, _("Allowed routes"), {}),
        # What is approved without a person in all.
        ("auto_order_limit_fen", Unit.FEN, _("Without a person, of one order in all"), _AS_ONE),
        ("auto_customer_day_limit_fen", Unit.FEN, _("Without a person, of one customer in a day"), _AS_ONE),
        (
            "auto_customer_30_days_fen",
            Unit.FEN,
            _("Without a person, of one customer in 30 days"),
            _OPTIONAL_FEN,
        ),
        (
            "auto_customer_30_days_count",
            Unit.COUNT,
            _("Refunds without a person, of one customer in 30 days"),
            _OPTIONAL_COUNT,
        ),
        (
            "auto_cashier_day_count",
            Unit.COUNT,
            _("Refunds without a person, of one cashier in a day"),
            {"most": 10**6, "default": 10},
        ),
        ("auto_cashier_day_fen", Unit.FEN, _("Without a person, of one cashier in a day"), _OPTIONAL_FEN),
        ("auto_store_day_fen", Unit.FEN, _("Without a person, of one store in a day"), _OPTIONAL_FEN),
        ("auto_key_day_count", Unit.COUNT, _("Refunds without a person, of one API key in a day"), _OPTIONAL_COUNT),
        ("auto_key_day_fen", Unit.FEN, _("Without a person, of one API key in a day"), _OPTIONAL_FEN),
        # Who approves.
        (
            "four_eyes_above_fen",
            Unit.FEN,
            _("Two people approve above"),
            {"most": _MONEY, "default": None, "null": _("never two")},
        ),
        (
            "second_approval_hours",
            Unit.HOURS,
            _("The first of two approvals waits for the second for"),
            {"least": 1, "most": 24 * 30, "default": 24},
        ),
        # What went wrong, and what looks odd.
        (
            "charged_twice_minutes",
            Unit.MINUTES,
            _("Two equal payments look like one charged twice within"),
            {"least": 1, "most": 24 * 60, "default": 10},
        ),
        (
            "fault_hours",
            Unit.HOURS,
            _("Faults and double charges are refunded without a person within"),
            {"least": 1, "most": 24 * 365, "default": None, "null": NO_LIMIT},
        ),
        (
            "near_limit_count",
            Unit.COUNT,
            _("A person looks from this many refunds close to the limit in 7 days"),
            {"least": 1, "most": 10**6, "default": None, "null": _("not watched")},
        ),
        (
            "soon_after_sale_minutes",
            Unit.MINUTES,
            _("A person looks at refunds this soon after the sale"),
            {"least": 1, "most": 24 * 60, "default": None, "null": _("not watched")},
        ),
        (
            "same_destination_count",
            Unit.COUNT,
            _("A person looks from this many refunds to one customer in 30 days"),
            {"least": 1, "most": 10**6, "default": None, "null": _("not watched")},
        ),
        ("watch_opening_hours", Unit.YES_NO, _("A person looks at refunds outside opening hours"), {"default": False}),
        (
            "watch_splitting",
            Unit.YES_NO,
            _("A person looks where several together belong to a higher tier"),
            {"default": True},
        ),
        # What the law leaves to the merchant.
        ("excluded_groups", Unit.CODES, _("Article groups that never come back without a reason"), {"default": ()}),
        (
            "goods_days",
            Unit.DAYS,
            _("Goods that are asked for come back within"),
            {"least": 1, "most": 60, "default": 7},
        ),
        # How it is paid back.
        ("plan_rule", Unit.CHOICE, _("An order paid in several ways"), {"choices": PLAN_RULES, "default": "pro_rata"}),
        (
            "tranche_fen",
            Unit.FEN,
            _("Paid back in parts above"),
            {"least": 1_00, "most": _MONEY, "default": None, "null": _("never in parts")},
        ),
        (
            "confirm_payment_above_fen",
            Unit.FEN,
            _("The channel is asked whether it was paid, before an order gets back more than"),
            {"most": _MONEY, "default": None, "null": _("never asked")},
        ),
        (
            "no_receipt_limit_fen",
            Unit.FEN,
            _("Without a receipt, where the sale is not found, at most"),
            {"most": _MONEY, "default": 100_00},
        ),
    ],
)

TIER = _fields(
    "tiers[]",
    [
        ("name", Unit.TEXT, _("Tier"), {}),
        ("limit_fen", Unit.FEN, _("Decides up to"), {"least": 1, "most": _MONEY, "null": _("any amount")}),
        ("roles", Unit.CODES, _("Roles"), {}),
        ("stores", Unit.CODES, _("Only in the stores"), {"default": None, "null": _("all stores")}),
    ],
)

_RULE: list[tuple[str, Unit, Promise, dict[str, Any]]] = [
    ("extent", Unit.CHOICE, _("Extent"), {"choices": EXTENTS}),
    ("max_share_percent", Unit.PERCENT, _("At most of the sale"), {"least": 1, "most": 100}),
    ("window_days", Unit.DAYS, _("Asked for within"), {"least": 1, "most": 3650}),
    ("instant", Unit.YES_NO, _("Simple: needs no person"), {}),
    ("min_share_percent", Unit.PERCENT, _("At least of the sale"), {"most": 100, "default": 0}),
    (
        "auto_approve_limit_fen",
        Unit.FEN,
        _("Approved without a person up to"),
        {"most": _MONEY, "default": None, "null": _("the policy's limit")},
    ),
    ("goods_required", Unit.YES_NO, _("The goods come back first"), {"default": False}),
    ("evidence_required", Unit.CHOICES, _("Evidence"), {"choices": PROOFS, "default": ()}),
]

REASON = _fields("reasons.*", _RULE)

#: Whom an exception is for; left out or null: all.
SELECTORS = _fields(
    "exceptions[]",
    [
        ("stores", Unit.CODES, _("Stores"), {"default": None, "null": _("all stores")}),
        ("groups", Unit.CODES, _("Article groups"), {"default": None, "null": _("all articles")}),
        ("reasons", Unit.CODES, _("Reasons"), {"default": None, "null": _("all reasons")}),
    ],
)

#: What an exception says otherwise; what it leaves out stays as it is.
EXCEPTION = _fields(
    "exceptions[]",
    ((name, unit, label, {**rest, "default": None}) for name, unit, label, rest in _RULE),
)

ROUTE = _fields(
    "route_rules.*",
    [
        ("fundings", Unit.CODES, _("For sales paid with"), {"null": _("anything")}),
        ("limit_fen", Unit.FEN, _("Of one sale up to"), {"least": 1, "most": _MONEY, "null": _("any amount")}),
    ],
)


def unknown(data: Mapping[str, Any]) -> set[str]:
    """Paths in readable rules of which no field has the name: a limit that is misspelt is none."""
    sections: list[tuple[Iterable[Field], Iterable[tuple[str, Mapping[str, Any]]]]] = [
        (TIER, ((f"tiers.{number}", one) for number, one in enumerate(data["tiers"]))),
        (REASON, ((f"reasons.{code}", one) for code, one in data["reasons"].items())),
        (ROUTE, ((f"route_rules.{route}", one) for route, one in data.get("route_rules", {}).items())),
        ((*SELECTORS, *EXCEPTION), ((f"exceptions.{no}", one) for no, one in enumerate(data.get("exceptions", ())))),
    ]
    own = {"tiers", "reasons", "route_rules", "exceptions", *(one.name for one in POLICY)}
    found = set(data) - own
    for known, rows in sections:
        names = {one.name for one in known}
        found |= {f"{path}.{name}" for path, row in rows for name in row if name not in names}
    return found
