"""The shape of a policy's rules, read from JSON once and then typed.

JSON (amounts in fen, times in minutes, hours or days as the names say)::

    {"auto_approve_limit_fen": 5000,
     "handling_minutes": 30,
     "complex_handling_hours": 24,
     "tiers": [{"name": "manager", "limit_fen": 50000, "roles": ["reviewer", "manager", "owner"]},
               {"name": "head_office", "limit_fen": null, "roles": ["manager", "owner"]}],
     "reasons": {"quality": {"extent": "any", "max_share_percent": 100, "window_days": 7, "instant": true}, ...},
     "routes": ["original", "cash"],
     "route_rules": {"cash": {"fundings": ["cash"], "limit_fen": 20000}},
     "auto_order_limit_fen": 5000,
     "auto_customer_day_limit_fen": 5000,
     "auto_cashier_day_count": 3,
     "auto_key_day_count": 200,
     "auto_key_day_fen": null,
     "charged_twice_minutes": 10,
     "plan_rule": "pro_rata",
     "tranche_fen": null,
     "confirm_payment_above_fen": null}

``route_rules`` may be left out. It says for sales paid from what (``null``: anything) and up to which amount (``null``: any)
a route other than the original may be taken.

``plan_rule`` says by which payments of an order a refund goes back (``pro_rata``, ``reverse``, ``highest_first``,
``stored_value_first``), ``tranche_fen`` above what it goes back in parts, one after another (``null``: never). Both may be left
out.

The limits of what is approved without a person in all may be left out, too, as in versions from before there were any: of an
order and of a customer's day the limit of one refund, of a cashier's day ten refunds, of an API key's day none (``null``).

Before more than ``confirm_payment_above_fen`` of an order goes back, the channel is asked whether it was paid (``null`` or left
out: never).

``charged_twice_minutes``: so close together two equal payments of one order or payer count as one charged twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class PolicyInvalid(ValueError):
    """The rules cannot be read; says where."""


class Extent(StrEnum):
    """How much of a sale a reason may refund: only all of it, only a part, or either."""

    FULL = "full"
    PARTIAL = "partial"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Tier:
    """Who may decide up to which amount; ``limit_fen`` None means any amount."""

    name: str
    limit_fen: int | None
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReasonRule:
    """What a reason allows. ``instant`` reasons may be approved without a person."""

    extent: Extent
    max_share_percent: int
    window_days: int
    instant: bool


@dataclass(frozen=True, slots=True)
class RouteRule:
    """What a route other than the original may pay back; None: whatever the sale was paid from, any amount."""

    fundings: frozenset[str] | None = None
    limit_fen: int | None = None


#: How many refunds of a cashier are approved without a person in a day, until a merchant says otherwise.
CASHIER_DAY_COUNT = 10

#: How close together two equal payments look like one that was charged twice, until a merchant says otherwise.
CHARGED_TWICE_MINUTES = 10

#: Cash for what was paid in cash, up to 1,000 yuan, until a merchant says otherwise.
_ROUTE_DEFAULTS: Mapping[str, RouteRule] = {"cash": RouteRule(frozenset({"cash"}), 100_000)}


#: By which payments of an order a refund goes back; ``refunds.rules.plan`` says what each means.
PLAN_RULES = ("pro_rata", "reverse", "highest_first", "stored_value_first")


@dataclass(frozen=True, slots=True)
class Rules:
    """``auto_..._limit_fen`` None: the limit of one refund; ``auto_key_...`` None: no limit."""

    auto_approve_limit_fen: int
    handling_minutes: int
    complex_handling_hours: int
    tiers: tuple[Tier, ...]
    reasons: Mapping[str, ReasonRule]
    routes: tuple[str, ...]
    route_rules: Mapping[str, RouteRule] = field(default_factory=dict)
    auto_order_limit_fen: int | None = None
    auto_customer_day_limit_fen: int | None = None
    auto_cashier_day_count: int = CASHIER_DAY_COUNT
    auto_key_day_count: int | None = None
    auto_key_day_fen: int | None = None
    plan_rule: str = "pro_rata"
    tranche_fen: int | None = None
    charged_twice_minutes: int = CHARGED_TWICE_MINUTES
    confirm_payment_above_fen: int | None = None

    @property
    def order_limit_fen(self) -> int:
        """How much of one order is approved without a person, in all."""
        return self.auto_approve_limit_fen if self.auto_order_limit_fen is None else self.auto_order_limit_fen

    @property
    def customer_day_limit_fen(self) -> int:
        """How much of one customer's day is approved without a person, in all."""
        limit = self.auto_customer_day_limit_fen
        return self.auto_approve_limit_fen if limit is None else limit

    def route_rule(self, route: str) -> RouteRule:
        """The merchant's rule for a route, or what holds where they have none."""
        return self.route_rules.get(route) or _ROUTE_DEFAULTS.get(route) or RouteRule()

    def tier_for(self, amount_fen: int) -> Tier:
        """The lowest tier whose limit covers the amount."""
        for tier in self.tiers:
            if tier.limit_fen is None or amount_fen <= tier.limit_fen:
                return tier
        return self.tiers[-1]

    def tier_named(self, name: str) -> Tier:
        for tier in self.tiers:
            if tier.name == name:
                return tier
        raise PolicyInvalid(f"no tier {name!r}")


def read_rules(data: Mapping[str, Any]) -> Rules:
    """The typed rules of a policy version. Raises ``PolicyInvalid``."""
    try:
        tiers = tuple(
            Tier(name=tier["name"], limit_fen=_fen_or_none(tier["limit_fen"]), roles=frozenset(tier["roles"]))
            for tier in data["tiers"]
        )
        reasons = {
            code: ReasonRule(
                extent=Extent(rule["extent"]),
                max_share_percent=_whole(rule["max_share_percent"], 1, 100),
                window_days=_whole(rule["window_days"], 1, 3650),
                instant=_flag(rule["instant"]),
            )
            for code, rule in data["reasons"].items()
        }
        rules = Rules(
            auto_approve_limit_fen=_whole(data["auto_approve_limit_fen"], 0, 10**11),
            handling_minutes=_whole(data["handling_minutes"], 1, 60 * 24 * 30),
            complex_handling_hours=_whole(data["complex_handling_hours"], 1, 24 * 30),
            tiers=tiers,
            reasons=reasons,
            routes=tuple(data["routes"]),
            route_rules={route: _route_rule(rule) for route, rule in data.get("route_rules", {}).items()},
            auto_order_limit_fen=_limit_in(data, "auto_order_limit_fen"),
            auto_customer_day_limit_fen=_limit_in(data, "auto_customer_day_limit_fen"),
            auto_cashier_day_count=_whole(data.get("auto_cashier_day_count", CASHIER_DAY_COUNT), 0, 10**6),
            auto_key_day_count=_or_none(data.get("auto_key_day_count"), 0, 10**9),
            auto_key_day_fen=_or_none(data.get("auto_key_day_fen"), 0, 10**14),
            plan_rule=_one_of(PLAN_RULES, data.get("plan_rule", "pro_rata")),
            tranche_fen=_or_none(data.get("tranche_fen"), 1_00, 10**11),
            confirm_payment_above_fen=_or_none(data.get("confirm_payment_above_fen"), 0, 10**11),
            charged_twice_minutes=_whole(data.get("charged_twice_minutes", CHARGED_TWICE_MINUTES), 1, 24 * 60),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PolicyInvalid(f"the policy cannot be read: {error!r}") from error
    _check_tiers(rules.tiers)
    return rules


def _whole(value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{value!r} is not a whole number from {least} to {most}")
    return value


def _one_of(names: tuple[str, ...], value: object) -> str:
    if value not in names:
        raise ValueError(f"{value!r} is none of {', '.join(names)}")
    return str(value)


def _or_none(value: object, least: int, most: int) -> int | None:
    return None if value is None else _whole(value, least, most)


def _limit_in(data: Mapping[str, Any], name: str) -> int | None:
    """Left out it follows the limit of one refund; ``null`` could be taken for "no limit", so it is no limit to write."""
    return _whole(data[name], 0, 10**11) if name in data else None


def _flag(value: object) -> bool:
    """No truthiness here: the text "false" would switch automatic approval on."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is not true or false")  # noqa: TRY004 -- one kind of error for all of them
    return value


def _fen_or_none(value: object) -> int | None:
    return _or_none(value, 1, 10**11)


def _route_rule(rule: Mapping[str, Any]) -> RouteRule:
    fundings = rule["fundings"]
    if fundings is not None and not (isinstance(fundings, list) and all(isinstance(name, str) for name in fundings)):
        raise ValueError(f"{fundings!r} is not a list of fundings")
    return RouteRule(None if fundings is None else frozenset(fundings), _fen_or_none(rule["limit_fen"]))


def _check_tiers(tiers: tuple[Tier, ...]) -> None:
    limits = [tier.limit_fen for tier in tiers]
    if not limits or limits[-1] is not None or None in limits[:-1]:
        raise PolicyInvalid("the last tier, and only the last, has no limit")
    known = [limit for limit in limits if limit is not None]
    if known != sorted(set(known)):
        raise PolicyInvalid("the tiers' limits must rise")
