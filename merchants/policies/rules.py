"""A policy's rules, typed, as ``read_rules`` makes them from JSON. ``merchants.policies.fields`` names every field.

::

    {"auto_approve_limit_fen": 5000,
     "handling_minutes": 30,
     "complex_handling_hours": 24,
     "tiers": [{"name": "manager", "limit_fen": 50000, "roles": ["reviewer", "manager", "owner"]},
               {"name": "manager", "limit_fen": 80000, "roles": ["manager"], "stores": ["S001"]},
               {"name": "head_office", "limit_fen": null, "roles": ["manager", "owner"]}],
     "reasons": {"quality": {"extent": "any", "max_share_percent": 100, "window_days": 7, "instant": true}, ...},
     "exceptions": [{"groups": ["fresh"], "reasons": ["no_reason"], "extent": "none"}],
     "routes": ["original", "cash"],
     "route_rules": {"cash": {"fundings": ["cash"], "limit_fen": 20000}}}

What may be left out holds as in versions from before it was there.

**Which rule holds.** ``reasons`` are the general level. Exceptions for the store, the article group or the reason say some of it
otherwise, field by field; the most specific one that says a field wins: one that names stores before one that names groups, and
that before one that names reasons only. Of two that are equally specific the first in the list wins. Of several articles the
strictest rule holds for all.

**Tiers.** One that names stores takes the place of the one of its name there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from typing import Any

from merchants.policies import fields
from merchants.policies.fields import Extent


class PolicyInvalid(ValueError):
    """The rules cannot be read; says where."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Who may decide up to which amount; ``limit_fen`` None: any amount; ``stores`` None: in all of them."""

    name: str
    limit_fen: int | None
    roles: frozenset[str]
    stores: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ReasonRule:
    """What a reason allows. ``instant`` reasons may be approved without a person, up to ``auto_approve_limit_fen`` (None: the
    policy's). ``evidence_required`` are values of ``Proof``.
    """

    extent: str
    max_share_percent: int
    window_days: int
    instant: bool
    min_share_percent: int = 0
    auto_approve_limit_fen: int | None = None
    goods_required: bool = False
    evidence_required: tuple[str, ...] = ()


#: What an exception is laid over where the reason has no rule: a person decides.
NO_RULE = ReasonRule(Extent.ANY, 100, 7, instant=False)

#: The strictest first, where several articles come back.
_EXTENTS = (Extent.NONE, Extent.PARTIAL, Extent.FULL, Extent.ANY)


@dataclass(frozen=True, slots=True)
class SpecialRule:
    """An exception: for whom it holds (None: all), and what it says otherwise."""

    stores: frozenset[str] | None
    groups: frozenset[str] | None
    reasons: frozenset[str] | None
    says: Mapping[str, Any]

    @property
    def specificity(self) -> int:
        """Store before group before reason; equal ones that say the same field disagree."""
        return 4 * (self.stores is not None) + 2 * (self.groups is not None) + (self.reasons is not None)

    def holds(self, *, store: str, group: str, reason: str) -> bool:
        return (
            (self.stores is None or store in self.stores)
            and (self.groups is None or group in self.groups)
            and (self.reasons is None or reason in self.reasons)
        )


@dataclass(frozen=True, slots=True)
class RouteRule:
    """What a route other than the original may pay back; None: whatever the sale was paid from, any amount."""

    fundings: frozenset[str] | None = None
    limit_fen: int | None = None


#: How many refunds of a cashier are approved without a person in a day, until a merchant says otherwise.
CASHIER_DAY_COUNT = 10

#: Cash for what was paid in cash, up to 1,000 yuan, until a merchant says otherwise.
_ROUTE_DEFAULTS: Mapping[str, RouteRule] = {"cash": RouteRule(frozenset({"cash"}), 100_000)}


@dataclass(frozen=True, slots=True)
class Rules:
    """``auto_order_limit_fen`` and ``auto_customer_day_limit_fen`` None: the limit of one refund; others None: no limit."""

    auto_approve_limit_fen: int
    handling_minutes: int
    complex_handling_hours: int
    tiers: tuple[Tier, ...]
    reasons: Mapping[str, ReasonRule]
    routes: tuple[str, ...]
    route_rules: Mapping[str, RouteRule] = field(default_factory=dict)
    exceptions: tuple[SpecialRule, ...] = ()
    auto_order_limit_fen: int | None = None
    auto_customer_day_limit_fen: int | None = None
    auto_customer_30_days_fen: int | None = None
    auto_customer_30_days_count: int | None = None
    auto_cashier_day_count: int = CASHIER_DAY_COUNT
    auto_cashier_day_fen: int | None = None
    auto_store_day_fen: int | None = None
    auto_key_day_count: int | None = None
    auto_key_day_fen: int | None = None
    four_eyes_above_fen: int | None = None
    second_approval_hours: int = 24
    charged_twice_minutes: int = 10
    fault_hours: int | None = None
    near_limit_count: int | None = None
    soon_after_sale_minutes: int | None = None
    same_destination_count: int | None = None
    excluded_groups: tuple[str, ...] = ()
    goods_days: int = 7
    watch_opening_hours: bool = False
    watch_splitting: bool = True
    plan_rule: str = "pro_rata"
    tranche_fen: int | None = None
    confirm_payment_above_fen: int | None = None
    no_receipt_limit_fen: int = 10_000

    @property
    def order_limit_fen(self) -> int:
        """How much of one order is approved without a person, in all."""
        return self.auto_approve_limit_fen if self.auto_order_limit_fen is None else self.auto_order_limit_fen

    @property
    def customer_day_limit_fen(self) -> int:
        """How much of one customer's day is approved without a person, in all."""
        limit = self.auto_customer_day_limit_fen
        return self.auto_approve_limit_fen if limit is None else limit

    def rule_for(self, reason: str, *, store: str = "", groups: Sequence[str] = ()) -> ReasonRule | None:
        """The rule for a refund of articles of these groups; None: nothing is said of such, and a person decides."""
        if not self.exceptions:
            return self.reasons.get(reason)
        found = [self._rule_of(reason, store, group) for group in groups or ("",)]
        known = [rule for rule in found if rule is not None]
        if len(known) != len(found):
            return None
        return reduce(partial(_strictest, usual_fen=self.auto_approve_limit_fen), known)

    def exceptions_for(self, reason: str, *, store: str = "", group: str = "") -> list[SpecialRule]:
        """Those that hold, the one that wins first."""
        held = (one for one in self.exceptions if one.holds(store=store, group=group, reason=reason))
        return sorted(held, key=lambda one: -one.specificity)

    def _rule_of(self, reason: str, store: str, group: str) -> ReasonRule | None:
        rule = self.reasons.get(reason)
        for special in reversed(self.exceptions_for(reason, store=store, group=group)):
            rule = replace(rule or NO_RULE, **special.says)
        return rule

    def route_rule(self, route: str) -> RouteRule:
        """The merchant's rule for a route, or what holds where they have none."""
        return self.route_rules.get(route) or _ROUTE_DEFAULTS.get(route) or RouteRule()

    def tiers_in(self, store: str) -> tuple[Tier, ...]:
        """The tiers of a store, by its code, from the lowest; ``""``: of any store that has none of its own."""
        own = {tier.name: tier for tier in self.tiers if tier.stores is not None and store in tier.stores}
        return tuple(own.get(tier.name, tier) for tier in self.tiers if tier.stores is None)

    def tier_for(self, amount_fen: int, *, store: str = "") -> Tier:
        """The lowest tier whose limit covers the amount."""
        tiers = self.tiers_in(store)
        for tier in tiers:
            if tier.limit_fen is None or amount_fen <= tier.limit_fen:
                return tier
        return tiers[-1]

    def deciding_tiers(self, amount_fen: int, *, store: str = "", escalated: bool = False) -> tuple[Tier, ...]:
        """The tier of an amount, and the next one where time ran out, if there is one."""
        own, tiers = self.tier_for(amount_fen, store=store), self.tiers_in(store)
        place = tiers.index(own)
        return tiers[place : place + 1 + escalated]


def _strictest(one: ReasonRule, other: ReasonRule, *, usual_fen: int) -> ReasonRule:
    """Both together; ``usual_fen`` is the policy's limit, which holds for the one that names none."""
    limits = {one.auto_approve_limit_fen, other.auto_approve_limit_fen}
    limit = None if limits == {None} else min(usual_fen if limit is None else limit for limit in limits)
    return ReasonRule(
        extent=next(extent for extent in _EXTENTS if extent in (one.extent, other.extent)),
        max_share_percent=min(one.max_share_percent, other.max_share_percent),
        window_days=min(one.window_days, other.window_days),
        instant=one.instant and other.instant,
        min_share_percent=max(one.min_share_percent, other.min_share_percent),
        auto_approve_limit_fen=limit,
        goods_required=one.goods_required or other.goods_required,
        evidence_required=tuple(dict.fromkeys((*one.evidence_required, *other.evidence_required))),
    )


def read_rules(data: Mapping[str, Any]) -> Rules:
    """The typed rules of a policy version. Raises ``PolicyInvalid``."""
    try:
        rules = Rules(
            tiers=tuple(_tier(tier) for tier in data["tiers"]),
            reasons={code: ReasonRule(**_read(fields.REASON, rule)) for code, rule in data["reasons"].items()},
            route_rules={route: _route_rule(rule) for route, rule in data.get("route_rules", {}).items()},
            exceptions=tuple(_special_rule(rule) for rule in data.get("exceptions", ())),
            **_read(fields.POLICY, data),
        )
    except KeyError as error:
        raise PolicyInvalid(f"the policy cannot be read: {error} is missing") from error
    except ValueError as error:
        raise PolicyInvalid(f"the policy cannot be read: {error}") from error
    except (AttributeError, TypeError) as error:
        raise PolicyInvalid(f"the policy cannot be read: {error!r}") from error
    _check_tiers(rules)
    return rules


def _read(section: Iterable[fields.Field], data: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: one.read(data) for one in section}


def _names(value: tuple[str, ...] | None) -> frozenset[str] | None:
    return None if value is None else frozenset(value)


def _tier(data: Mapping[str, Any]) -> Tier:
    read = _read(fields.TIER, data)
    return Tier(read["name"], read["limit_fen"], frozenset(read["roles"]), _names(read["stores"]))


def _route_rule(data: Mapping[str, Any]) -> RouteRule:
    read = _read(fields.ROUTE, data)
    return RouteRule(_names(read["fundings"]), read["limit_fen"])


def _special_rule(data: Mapping[str, Any]) -> SpecialRule:
    whom = {name: _names(value) for name, value in _read(fields.SELECTORS, data).items()}
    if all(value is None for value in whom.values()):
        raise ValueError("an exception names stores, article groups or reasons")
    return SpecialRule(**whom, says=_read((one for one in fields.EXCEPTION if one.name in data), data))


def _check_tiers(rules: Rules) -> None:
    """The limits rise in every store, and only the last tier has none."""
    general = [tier.name for tier in rules.tiers if tier.stores is None]
    if len(general) != len(set(general)):
        raise PolicyInvalid("two tiers have one name")
    named: set[str] = set().union(*(tier.stores for tier in rules.tiers if tier.stores is not None))
    own = [(tier.name, store) for tier in rules.tiers for store in tier.stores or ()]
    if len(own) != len(set(own)) or not {name for name, _ in own} <= set(general):
        raise PolicyInvalid("a tier of some stores takes the place of one tier of all stores, of the same name")
    for store in ("", *sorted(named)):
        limits = [tier.limit_fen for tier in rules.tiers_in(store)]
        if not limits or limits[-1] is not None or None in limits[:-1]:
            raise PolicyInvalid("the last tier, and only the last, has no limit")
        known = [limit for limit in limits if limit is not None]
        if known != sorted(set(known)):
            raise PolicyInvalid("the tiers' limits must rise")
