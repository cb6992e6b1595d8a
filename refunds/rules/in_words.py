"""A policy in words: its rules for every reader, and what one version changes against another. Made from the table of fields.

Rules come as their JSON. What a field leaves out reads like what holds then, so that a version from before a field was there
does not differ from one that says its default.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from core.errors import Invalid
from core.money import yuan_grouped
from merchants.models import Role
from merchants.policies import fields
from merchants.policies.fields import Extent, Field, Unit
from merchants.policies.rules import NO_RULE, PolicyInvalid, ReasonRule, RouteRule, Rules, read_rules
from refunds.rules import floor
from refunds.states import BY_HAND, Reason, Route
from terminals.models.transaction import Funding

#: What is asked for, by the API's ``kind``; each may have a guide.
KINDS: Mapping[str, Promise] = {
    "goods_return": _("Goods return"),
    "service_failure": _("Service failure"),
    "price_adjustment": _("Price adjustment"),
    "wrong_amount": _("Wrong amount"),
    "duplicate_charge": _("Charged twice"),
    "system_fault": _("System or network fault"),
    "customer_cancelled": _("Customer cancelled"),
    "deposit": _("Deposit"),
    "no_receipt": _("No receipt"),
    "goodwill": _("Goodwill"),
}

#: The policy's own fields as they belong together, for readers and for the form.
GROUPS: tuple[tuple[str, Promise, tuple[str, ...]], ...] = (
    (
        "limits",
        _("Paid without a person"),
        (
            *("auto_approve_limit_fen", "auto_order_limit_fen", "auto_customer_day_limit_fen"),
            *("auto_customer_30_days_fen", "auto_customer_30_days_count", "auto_cashier_day_count"),
            *("auto_cashier_day_fen", "auto_store_day_fen", "auto_key_day_count", "auto_key_day_fen"),
        ),
    ),
    ("tiers", _("Who decides up to which amount"), ("four_eyes_above_fen", "second_approval_hours")),
    (
        "watch",
        _("What a person looks at all the same"),
        (
            *("confirm_payment_above_fen", "charged_twice_minutes", "fault_hours"),
            *("near_limit_count", "soon_after_sale_minutes"),
            *("same_destination_count", "watch_opening_hours", "watch_splitting", "excluded_groups"),
        ),
    ),
    ("times", _("How soon it is answered"), ("handling_minutes", "complex_handling_hours", "goods_days")),
    ("paying", _("How it is paid back"), ("routes", "plan_rule", "tranche_fen", "no_receipt_limit_fen")),
)

#: Names of tiers as policies write them.
_TIERS: Mapping[str, Promise] = {
    "manager": _("Store tier"),
    "store": _("Store tier"),
    "area": _("Area tier"),
    "head_office": _("Head office tier"),
}

#: What lists of names are of, by the field's own name.
_NAMES: Mapping[str, Mapping[str, Any]] = {
    "routes": dict(Route.choices),
    "roles": dict(Role.choices),
    "reasons": dict(Reason.choices),
    "fundings": dict(Funding.choices),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One rule: what it is about, and what it says; ``is_open`` where the policy leaves it open."""

    label: str
    words: str
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Rules that belong together. ``name`` is for addresses within a page."""

    name: str
    title: str
    lines: Sequence[Line]

    @property
    def said(self) -> list[Line]:
        return [line for line in self.lines if not line.is_open]

    @property
    def left_open(self) -> list[Line]:
        return [line for line in self.lines if line.is_open]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions; ``before`` or ``after`` say in words that there was, or is, nothing."""

    where: str
    label: str
    before: str
    after: str

    @property
    def is_long(self) -> bool:
        """Too long to be read in a line: a guide."""
        return len(self.before) + len(self.after) > 160


def tier_label(name: str) -> str:
    """A tier's name in the reader's language; one that the merchant made up as it is."""
    return str(_TIERS.get(name, name))


def names_of(one: Field) -> Mapping[str, Any]:
    """What a list of names may have in it, with labels; empty where the merchant's own data says: stores, article groups."""
    return one.choices or _NAMES.get(one.name, {})


def said(one: Field, value: Any) -> str:
    """A field's value in words: ``¥50.00``, ``7 days``, ``no limit``."""
    if value is None:
        return str(one.null or one.follows or gettext("as it is"))
    if one.unit is Unit.FEN:
        return f"¥{yuan_grouped(value)}"
    if one.unit is Unit.YES_NO:
        return gettext("yes") if value else gettext("no")
    if one.unit is Unit.CHOICE:
        return str(one.choices.get(value, value))
    if one.unit in (Unit.CHOICES, Unit.CODES):
        known = names_of(one)
        return gettext(", ").join(str(known.get(code, code)) for code in value) or gettext("none")
    if one.unit is Unit.TEXT:
        return tier_label(value)
    return _counted(one.unit, value)


def _counted(unit: Unit, n: int) -> str:
    if unit is Unit.PERCENT:
        return f"{n}%"
    if unit is Unit.COUNT:
        return str(n)
    word = {
        Unit.DAYS: ngettext("%(n)s day", "%(n)s days", n),
        Unit.HOURS: ngettext("%(n)s hour", "%(n)s hours", n),
        Unit.MINUTES: ngettext("%(n)s minute", "%(n)s minutes", n),
    }[unit]
    return word % {"n": n}


def summary(rules: Rules) -> str:
    """Who is refunded at once, and what all refunds together may come to, as a terminal shows it."""
    at_once = gettext("Up to ¥%(limit)s and for a simple reason: refunded at once. Otherwise a person decides.") % {
        "limit": yuan_grouped(rules.auto_approve_limit_fen)
    }
    in_all = gettext(
        "A person also decides beyond ¥%(order)s of one order, ¥%(customer)s of one customer in a day,"
        " or %(count)s refunds of one cashier in a day."
    ) % {
        "order": yuan_grouped(rules.order_limit_fen),
        "customer": yuan_grouped(rules.customer_day_limit_fen),
        "count": rules.auto_cashier_day_count,
    }
    return f"{at_once} {in_all}"


def reason_words(rule: ReasonRule) -> str:
    """``part of the amount, up to 50%, within 7 days, a person decides, evidence: photo``."""
    parts = [str(fields.EXTENTS[rule.extent])]
    if rule.extent == Extent.NONE:
        return parts[0]
    if rule.min_share_percent:
        parts.append(gettext("from %(share)s%%") % {"share": rule.min_share_percent})
    if rule.max_share_percent < 100 or rule.extent == Extent.PARTIAL:
        parts.append(gettext("up to %(share)s%%") % {"share": rule.max_share_percent})
    parts.append(gettext("within %(days)s days") % {"days": rule.window_days})
    if not rule.instant:
        parts.append(gettext("a person decides"))
    elif rule.auto_approve_limit_fen is not None:
        parts.append(
            gettext("without a person up to ¥%(limit)s") % {"limit": yuan_grouped(rule.auto_approve_limit_fen)}
        )
    if rule.goods_required:
        parts.append(gettext("the goods come back first"))
    if rule.evidence_required:
        labels = gettext(", ").join(str(fields.PROOFS.get(one, one)) for one in rule.evidence_required)
        parts.append(gettext("evidence: %(what)s") % {"what": labels})
    return gettext(", ").join(parts)


def _reason_words(rules: Rules, reason: Reason) -> str:
    return reason_words(rules.reasons[reason]) if reason in rules.reasons else _no_rule()


def _law_words(rules: Rules, reason: Reason) -> Iterator[str]:
    """What the law gives beyond the rule: whoever reads the rules is to know what holds."""
    law = floor.law_of(reason, remote=True)
    if law is not None and floor.below(rules.reasons.get(reason, NO_RULE), law):
        words = gettext("sold at a distance, by law: within %(days)s days")
        if law is not floor.REMOTE:
            words = gettext("by law all of it, within %(days)s days")
        yield words % {"days": law.days}


def route_words(rule: RouteRule) -> str:
    """What a route is for: ``paid with: Cash; up to ¥200.00``; empty where it takes everything."""
    labels = [str(Funding(name).label) for name in sorted(rule.fundings or ()) if name in Funding.values]
    parts = [gettext("paid with: %(fundings)s") % {"fundings": gettext(", ").join(labels)}] if labels else []
    if rule.limit_fen is not None:
        parts.append(gettext("up to ¥%(limit)s") % {"limit": yuan_grouped(rule.limit_fen)})
    return gettext("; ").join(parts)


def sections(data: Mapping[str, Any]) -> list[Section]:
    """All the rules of a version, in the reader's language."""
    rules = read_rules(data)
    groups = {name: Section(name, str(title), _policy_lines(data, names)) for name, title, names in GROUPS}
    reasons = [
        Line(str(reason.label), gettext("; ").join([_reason_words(rules, reason), *_law_words(rules, reason)]))
        for reason in Reason
    ]
    routes = [
        Line(str(Route(route).label), route_words(rules.route_rule(route)) or gettext("anything"))
        for route in rules.routes
        if route in BY_HAND
    ]
    return [
        groups["limits"],
        Section("reasons", gettext("For which reasons"), reasons),
        *(
            [Section("exceptions", gettext("Exceptions"), [_exception_line(one) for one in data["exceptions"]])]
            if data.get("exceptions")
            else []
        ),
        replace(groups["tiers"], lines=[*map(_tier_line, data["tiers"]), *groups["tiers"].lines]),
        groups["watch"],
        groups["times"],
        replace(groups["paying"], lines=[*groups["paying"].lines, *routes]),
    ]


def changes(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    old_guides: Mapping[str, Any] | None = None,
    new_guides: Mapping[str, Any] | None = None,
) -> list[Change]:
    """What the new rules say otherwise, in the order in which rules are shown; empty where they come to the same."""
    order = [name for _, _, names in GROUPS for name in names]
    policy = sorted(fields.POLICY, key=lambda one: order.index(one.name) if one.name in order else len(order))
    found = list(_differing("", policy, old, new))
    found += _of_rows(_reasons_of(old), _reasons_of(new), fields.REASON, nothing=_no_rule())
    found += _of_rows(_exceptions_of(old), _exceptions_of(new), fields.EXCEPTION, nothing=gettext("no exception"))
    found += _of_rows(_tiers_of(old), _tiers_of(new), fields.TIER, nothing=gettext("no such tier"))
    found += _of_routes(old, new)
    return found + list(_of_guides(old_guides or {}, new_guides or {}))


def check_names(data: Mapping[str, Any]) -> None:
    """Raise ``Invalid`` for rules that cannot be read, or that name a reason, route or funding that there is none of."""
    try:
        rules = read_rules(data)
    except PolicyInvalid as error:
        raise Invalid(str(error), code="policy_invalid") from error
    given = {
        "reasons": {*rules.reasons, *(name for one in rules.exceptions for name in one.reasons or ())},
        "routes": {*rules.routes, *rules.route_rules},
        "fundings": {name for rule in rules.route_rules.values() for name in rule.fundings or ()},
    }
    for what, names in given.items():
        if unknown := sorted(names - set(_NAMES[what])):
            raise Invalid(f"{what}: there is no {unknown[0]!r}", code="policy_invalid")


def _no_rule() -> str:
    return gettext("no rule: a person decides")


def _reason_label(code: str) -> str:
    return str(Reason(code).label) if code in Reason.values else code


def _policy_lines(data: Mapping[str, Any], names: Iterable[str]) -> list[Line]:
    by_name = {one.name: one for one in fields.POLICY}
    shown = [(by_name[name], by_name[name].read(data)) for name in names]
    return [Line(str(one.label), said(one, value), value is None and one.null is not None) for one, value in shown]


def _tier_line(tier: Mapping[str, Any]) -> Line:
    read = {one.name: said(one, one.read(tier)) for one in fields.TIER}
    where = "" if tier.get("stores") is None else f" ({read['stores']})"
    text = gettext("any amount: %(roles)s") if tier["limit_fen"] is None else gettext("up to %(limit)s: %(roles)s")
    return Line(f"{read['name']}{where}", text % {"limit": read["limit_fen"], "roles": read["roles"]})


def exception_label(data: Mapping[str, Any]) -> str:
    """Whom an exception is for: ``S001 · fresh · Quality problem``."""
    named = [said(one, value) for one in fields.SELECTORS if (value := one.read(data)) is not None]
    return " · ".join(named)


def _exception_line(data: Mapping[str, Any]) -> Line:
    what = [f"{one.label}: {said(one, one.read(data))}" for one in fields.EXCEPTION if one.name in data]
    return Line(exception_label(data), gettext("; ").join(what))


Rows = Mapping[tuple[Any, ...], tuple[str, Mapping[str, Any]]]


def _reasons_of(data: Mapping[str, Any]) -> Rows:
    return {(code,): (_reason_label(code), rule) for code, rule in data["reasons"].items()}


def _tiers_of(data: Mapping[str, Any]) -> Rows:
    return {(one["name"], tuple(one.get("stores") or ())): (_tier_line(one).label, one) for one in data["tiers"]}


def _exceptions_of(data: Mapping[str, Any]) -> Rows:
    rows: dict[tuple[Any, ...], tuple[str, Mapping[str, Any]]] = {}
    for one in data.get("exceptions", ()):
        whom = tuple(tuple(one.get(selector.name) or ()) for selector in fields.SELECTORS)
        # Two for the same are told apart by their place among them.
        place = sum(key[:-1] == whom for key in rows)
        rows[*whom, place] = (exception_label(one), one)
    return rows


def _of_rows(old: Rows, new: Rows, section: Sequence[Field], *, nothing: str) -> Iterator[Change]:
    for key in [*new, *(key for key in old if key not in new)]:
        if key in old and key in new:
            yield from _differing(new[key][0], section, old[key][1], new[key][1])
            continue
        label, row = new[key] if key in new else old[key]
        words = _row_words(section, row)
        yield Change(label, gettext("Rule"), *((nothing, words) if key in new else (words, nothing)))


def _row_words(section: Sequence[Field], row: Mapping[str, Any]) -> str:
    if section is fields.REASON:
        return reason_words(ReasonRule(**{one.name: one.read(row) for one in section}))
    return _tier_line(row).words if section is fields.TIER else _exception_line(row).words


def _differing(
    where: str, section: Iterable[Field], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Change]:
    for one in section:
        before, after = one.read(old), one.read(new)
        if before != after and not (isinstance(before, tuple) and set(before) == set(after or ())):
            yield Change(where, str(one.label), said(one, before), said(one, after))


def _of_routes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, after = read_rules(old), read_rules(new)
    for route in Route:
        told = [route_words(rules.route_rule(route)) or gettext("anything") for rules in (before, after)]
        if told[0] != told[1]:
            yield Change(gettext("Route"), str(route.label), *told)


def _of_guides(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    languages = {"zh": gettext("Chinese"), "en": gettext("English")}
    for kind, label in KINDS.items():
        for language, name in languages.items():
            before, after = (guides.get(kind, {}).get(language, "") for guides in (old, new))
            if before != after:
                where = gettext("Guide: %(kind)s") % {"kind": label}
                yield Change(where, name, before or gettext("none"), after or gettext("none"))
