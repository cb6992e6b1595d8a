"""What is wrong with a policy's rules before anybody is judged by them: a static analysis, pure and finite.

Which rule holds depends on store, article group and reason; within one of these cases everything turns on finitely many amounts,
the limits that are written down. So each kind of case is looked at once, at each of its break points and one fen above, with the
engine itself: no solver, and no opinion of its own on how the engine judges.

A ``Finding`` names where it is, a request that shows it, and the change of the rules that would mend it.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise, product
from typing import Any

from django.utils.translation import gettext

from merchants.models.staff import Role
from merchants.policies.fields import POLICY, REASON, Extent
from merchants.policies.rules import NO_RULE, ReasonRule, RouteRule, Rules, SpecialRule, Tier
from merchants.rights import TABLE, Act
from refunds.rules import floor
from refunds.rules.cases import REASONS, Case, Cases, judged, plain_facts, rule_of, single_limit
from refunds.rules.explanations import RULES
from refunds.rules.finding import REMOVED, Change, Example, Finding, Severity
from refunds.rules.policy import Ruling
from refunds.rules.risk import CUSTOMER_DAYS
from refunds.states import Reason, Route
from terminals.models.transaction import Funding

#: Roles that may decide at all, by the table of rights.
_DECIDERS = frozenset(role for role in Role.values if TABLE[Act.APPROVE].of_role(role))
_CREDIT = frozenset({Funding.CREDIT_CARD, Funding.CONSUMER_CREDIT})
_PLENTY = 10**12


def findings(rules: Rules) -> tuple[Finding, ...]:
    """All that is wrong, the worst first; the same rules give the same findings. Milliseconds, at most a second."""
    cases = Cases(rules)
    found = [
        *_reasons(cases),
        *_tiers(cases),
        *_exceptions(cases),
        # Where nothing goes back as it was paid, that is what is wrong.
        *(_instant(cases) if Route.ORIGINAL in rules.routes else ()),
        *_limits(cases),
        *_routes(rules),
        *_statute(cases),
    ]
    return tuple(sorted(found, key=lambda one: list(Severity).index(one.severity)))


# --- reasons ------------------------------------------------------------------------------------------------------------


def _reasons(cases: Cases) -> Iterator[Finding]:
    rules = cases.rules
    for reason in REASONS:
        of_it = [case for case in cases.all if case.reason == reason]
        if bare := [case for case in of_it if cases.rule_of[case] is None]:
            says = {"extent": "any", "max_share_percent": 100, "window_days": NO_RULE.window_days, "instant": False}
            yield Finding(
                "reason_without_rule" if bare == of_it else "reason_partly_without_rule",
                path=f"reasons.{reason}",
                example=cases.example(rules.auto_approve_limit_fen, bare[0]),
                repair=(Change(("reasons", reason), says),),
                values={"reason": reason},
            )
    for code in rules.reasons:
        if code not in REASONS:
            yield Finding(
                "reason_never_fires",
                path=f"reasons.{code}",
                example=Example(amount_fen=1, paid_fen=1, reason=code),
                repair=(Change(("reasons", code), REMOVED),),
                values={"code": code},
            )


# --- tiers --------------------------------------------------------------------------------------------------------------


def _tiers(cases: Cases) -> Iterator[Finding]:
    """Each store's staircase: every amount has somebody, higher is never easier, every step is reached."""
    rules, seen = cases.rules, set()
    for store in cases.stores:
        tiers = rules.tiers_in(store)
        for found in _staircase(cases, store, tiers):
            # What is wrong everywhere is said once.
            if (found.code, found.path) not in seen:
                seen.add((found.code, found.path))
                yield found
    general = {tier.name: tier for tier in rules.tiers if tier.stores is None}
    for number, tier in enumerate(rules.tiers):
        if tier.stores is None:
            continue
        usual = general.get(tier.name)
        why = ""
        if usual is None:
            why = gettext("there is no tier of this name for it to take the place of")
        elif not tier.stores:
            why = gettext("it names no store")
        elif (usual.limit_fen, usual.roles) == (tier.limit_fen, tier.roles):
            why = gettext("it says what holds there anyhow")
        if why:
            yield _tier_never_fires(number, tier, why, min(tier.stores, default=""))


def _staircase(cases: Cases, store: str, tiers: tuple[Tier, ...]) -> Iterator[Finding]:
    at = {id(tier): number for number, tier in enumerate(cases.rules.tiers)}
    case = Case(store, "", Reason.GOODWILL)
    reached = 0
    for number, tier in enumerate(tiers):
        place = at[id(tier)]
        if number and (tiers[number - 1].limit_fen is None or (tier.limit_fen or _PLENTY) <= reached):
            if tier.limit_fen is not None and number + 1 < len(tiers):
                yield from _out_of_order(cases, store, tiers, number)
            yield _tier_never_fires(place, tier, gettext("a tier before it covers all its amounts"), store)
            continue
        if not tier.roles & _DECIDERS:
            near = tiers[number - 1] if number else tiers[min(number + 1, len(tiers) - 1)]
            roles = sorted(near.roles & _DECIDERS) or [Role.OWNER.value]
            yield Finding(
                "tier_without_decider",
                path=f"tiers[{place}].roles",
                example=cases.example(reached + 1, case),
                repair=(Change(("tiers", place, "roles"), _in_order(roles)),),
                values={
                    "tier": tier.name,
                    "from_fen": reached + 1,
                    "to_fen": tier.limit_fen,
                    "roles": tuple(_in_order(roles)),
                },
            )
        reached = _PLENTY if tier.limit_fen is None else tier.limit_fen
    last = tiers[-1] if tiers else None
    if last is None or last.limit_fen is not None:
        place = at[id(last)] if last is not None else 0
        name = last.name if last is not None else Role.OWNER.value
        whole = {"name": name, "limit_fen": None, "roles": [Role.OWNER.value]}
        yield Finding(
            "no_tier_above",
            path=f"tiers[{place}].limit_fen",
            example=cases.example(reached + 1, case),
            repair=(Change(("tiers",), [whole]) if last is None else Change(("tiers", place, "limit_fen"), None),),
            values={"tier": name, "from_fen": reached + 1},
        )
    for lower, higher in pairwise(tier for tier in tiers if tier.roles & _DECIDERS):
        if more := (higher.roles - lower.roles) & _DECIDERS:
            kept = (higher.roles & lower.roles & _DECIDERS) or lower.roles & _DECIDERS
            yield Finding(
                "higher_tier_lower_role",
                path=f"tiers[{at[id(higher)]}].roles",
                example=cases.example((lower.limit_fen or 0) + 1, case),
                repair=(Change(("tiers", at[id(higher)], "roles"), _in_order(kept)),),
                values={"roles": tuple(_in_order(more)), "tier": higher.name, "below": lower.name},
            )


def _out_of_order(cases: Cases, store: str, tiers: tuple[Tier, ...], number: int) -> Iterator[Finding]:
    before, tier = tiers[number - 1], tiers[number]
    if (tier.limit_fen or 0) < (before.limit_fen or 0):
        order = sorted(range(len(cases.rules.tiers)), key=lambda one: (_limit(cases.rules.tiers[one]), one))
        yield Finding(
            "more_money_less_scrutiny",
            path=f"tiers[{cases.rules.tiers.index(tier)}].limit_fen",
            example=cases.example(tier.limit_fen or 1, Case(store, "", Reason.GOODWILL)),
            repair=(Change(("tiers",), [_tier_json(cases.rules.tiers[one]) for one in order]),),
            values={"lower_fen": tier.limit_fen, "higher_fen": before.limit_fen},
        )


def _limit(tier: Tier) -> int:
    return _PLENTY if tier.limit_fen is None else tier.limit_fen


def _tier_json(tier: Tier) -> dict[str, Any]:
    data: dict[str, Any] = {"name": tier.name, "limit_fen": tier.limit_fen, "roles": _in_order(tier.roles)}
    return data if tier.stores is None else {**data, "stores": sorted(tier.stores)}


def _in_order(roles: Iterable[str]) -> list[str]:
    return sorted(roles, key=Role.values.index)


def _tier_never_fires(place: int, tier: Tier, why: str, store: str) -> Finding:
    amount = tier.limit_fen or 1
    return Finding(
        "tier_never_fires",
        path=f"tiers[{place}]",
        example=Example(amount_fen=amount, paid_fen=amount, store=store),
        repair=(Change(("tiers", place), REMOVED),),
        values={"tier": tier.name, "why": why},
    )


# --- exceptions ---------------------------------------------------------------------------------------------------------


def _exceptions(cases: Cases) -> Iterator[Finding]:
    rules = cases.rules
    holds, wins = set[int](), set[int]()
    ties: dict[tuple[int, int], tuple[Case, list[str]]] = {}
    place = {id(one): number for number, one in enumerate(rules.exceptions)}
    without = [
        replace(rules, exceptions=tuple(one for one in rules.exceptions if one is not special))
        for special in rules.exceptions
    ]
    for case in cases.all:
        held = rules.exceptions_for(case.reason, store=case.store, group=case.group)
        for number in (place[id(one)] for one in held):
            holds.add(number)
            if number not in wins and _acts(rule_of(without[number], case), rules) != _acts(cases.rule_of[case], rules):
                wins.add(number)
        for name in sorted({name for one in held for name in one.says}):
            first, *others = [one for one in held if name in one.says]
            for other in others:
                if other.specificity == first.specificity and other.says[name] != first.says[name]:
                    pair = place[id(first)], place[id(other)]
                    names = ties.setdefault(pair, (case, []))[1]
                    if name not in names:
                        names.append(name)
    for (first_at, second_at), (case, names) in ties.items():
        apart = _without_overlap(rules.exceptions[second_at], rules.exceptions[first_at], names)
        after = [*rules.exceptions[:second_at], *apart, *rules.exceptions[second_at + 1 :]]
        yield Finding(
            "exceptions_disagree",
            path=f"exceptions[{second_at}]",
            example=cases.example(rules.auto_approve_limit_fen, case, cases.rule_of[case]),
            repair=(Change(("exceptions",), [_special_json(one) for one in after]),),
            values={"first": first_at + 1, "second": second_at + 1, "fields": tuple(names)},
        )
    for number, special in enumerate(rules.exceptions):
        if number in wins:
            continue
        if number not in holds:
            why = gettext("no request is of its stores, article groups and reasons")
        else:
            why = gettext("closer or earlier ones, or the general rule, already say what it says")
        reason = min(special.reasons or {""})
        yield Finding(
            "exception_never_fires",
            path=f"exceptions[{number}]",
            example=cases.example(
                rules.auto_approve_limit_fen,
                Case(min(special.stores or {""}), min(special.groups or {""}), reason),
            ),
            repair=(Change(("exceptions", number), REMOVED),),
            values={"number": number + 1, "why": why},
        )


def _without_overlap(second: SpecialRule, first: SpecialRule, names: Collection[str]) -> Iterator[SpecialRule]:
    """The second of two that are equally close, without ``names`` where the first holds: every case is judged as before."""
    inside = second
    for name in ("stores", "groups", "reasons"):
        mine, theirs = getattr(inside, name), getattr(first, name)
        if mine is None:
            continue
        if mine - theirs:
            yield replace(inside, **{name: mine - theirs})
        inside = replace(inside, **{name: mine & theirs})
    if left := {name: value for name, value in second.says.items() if name not in names}:
        yield replace(inside, says=left)


def _special_json(special: SpecialRule) -> dict[str, Any]:
    whom = {name: getattr(special, name) for name in ("stores", "groups", "reasons")}
    return {name: sorted(named) for name, named in whom.items() if named is not None} | {
        name: _plain(value) for name, value in special.says.items()
    }


def _acts(rule: ReasonRule | None, rules: Rules) -> object:
    """What a rule comes to: two that act alike are one."""
    if rule is None:
        return None
    if not rule.instant or rule.extent == Extent.NONE:
        return replace(rule, auto_approve_limit_fen=None)
    return replace(rule, auto_approve_limit_fen=single_limit(rules, rule))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple | frozenset) else value


# --- what is approved without a person ----------------------------------------------------------------------------------


def _instant(cases: Cases) -> Iterator[Finding]:
    """Rules that promise approval without a person and can never keep it; and more money that is approved sooner."""
    rules = cases.rules
    against: list[tuple[tuple[str, ...], Case, ReasonRule]] = []
    kept = set[tuple[str | int, ...]]()
    for (_reason, rule), some in cases.kinds.items():
        lines = _what_stands_against(cases, some[0], rule)
        if lines:
            against += [(lines, one, rule) for one in some]
        elif rule.instant:
            kept.update(_says(rules, one, "instant") for one in some)
        yield from _sweep(cases, some[0], rule)
    never: dict[tuple[str, ...], list[tuple[Case, ReasonRule]]] = {}
    unmet = dict[tuple[str | int, ...], Finding]()
    for lines, case, rule in against:
        # What is said for many kinds of cases and holds in some is no empty promise: the others say that they are excepted.
        if rule.instant and _says(rules, case, "instant") not in kept:
            never.setdefault(lines, []).append((case, rule))
        elif rule.extent != Extent.NONE and not _MET_BY.isdisjoint(lines):
            found = _never_met(cases, case, rule, lines)
            unmet.setdefault(found.repair[0].path, found)
    yield from unmet.values()
    for lines, those in never.items():
        case, rule = those[0]
        yield Finding(
            "instant_never_fires",
            path=f"reasons.{case.reason}.instant",
            example=cases.example(1, case, rule),
            repair=tuple(dict.fromkeys(_not_instant(rules, case) for case, _ in those)),
            values={
                "reasons": tuple(dict.fromkeys(case.reason for case, _ in those)),
                "lines": tuple(str(RULES[line][0]) for line in lines if line in RULES) or lines,
            },
        )


#: Lines that say whether a request is as its rule wants it.
_MET_BY = frozenset({"reason_extent", "reason_least"})


def _never_met(cases: Cases, case: Case, rule: ReasonRule, lines: Collection[str]) -> Finding:
    """A person decides on each, and no request is ever as the rule says."""
    repaired: tuple[str, str | int] = "extent", Extent.PARTIAL.value
    if "reason_extent" not in lines:
        # What is always a part is never all of it.
        least = rule.max_share_percent if rule.max_share_percent < rule.min_share_percent else 0
        repaired = "min_share_percent", least
    name, value = repaired
    path = _says(cases.rules, case, name)
    return Finding(
        "rule_never_met",
        path=".".join(map(str, path)),
        example=cases.example(rule.max_share_percent, case, rule),
        repair=(Change(path, value),),
        values={"reason": case.reason, "name": f"“{_LABELS[name]}”"},
    )


def _not_instant(rules: Rules, case: Case) -> Change:
    return Change(_says(rules, case, "instant"), value=False)


def _what_stands_against(cases: Cases, case: Case, rule: ReasonRule) -> tuple[str, ...]:
    """The lines that keep even the smallest request from being approved; none where some request is."""
    best: tuple[str, ...] | None = None
    # So much of 1.00 is exactly the largest share.
    for amount in (rule.max_share_percent, single_limit(cases.rules, rule)):
        verdict = judged(cases.rules, rule, cases.example(amount, case, rule))
        failed = tuple(line.code for line in verdict.rules if not line.passed)
        if verdict.decision is Ruling.APPROVE:
            return ()
        best = failed if best is None or len(failed) < len(best) else best
    return best or ("auto_approve_limit",)


def _sweep(cases: Cases, case: Case, rule: ReasonRule) -> Iterator[Finding]:
    """The same request at every break point: from one to the next it is never approved sooner or in a lower tier."""
    tiers = [tier.name for tier in cases.rules.tiers_in(case.store)]
    strictness = list(Ruling)
    before: tuple[int, tuple[int, int]] | None = None
    for amount in _break_points(cases.rules, rule):
        verdict = judged(cases.rules, rule, cases.example(amount, case, rule))
        tier = tiers.index(verdict.tier) if verdict.tier in tiers else len(tiers)
        rank = strictness.index(verdict.decision), tier
        if before is not None and (rank[0] < before[1][0] or rank[1] < before[1][1]):
            yield Finding(
                "more_money_less_scrutiny",
                path=f"reasons.{case.reason}",
                example=cases.example(amount, case, rule),
                repair=(_not_instant(cases.rules, case),),
                values={"lower_fen": before[0], "higher_fen": amount},
            )
            return
        before = amount, rank


def _break_points(rules: Rules, rule: ReasonRule) -> list[int]:
    limits = [rules.auto_approve_limit_fen, rule.auto_approve_limit_fen, rules.auto_order_limit_fen]
    limits += [rules.auto_customer_day_limit_fen, rules.auto_cashier_day_fen, rules.auto_store_day_fen]
    limits += [rules.four_eyes_above_fen, *(tier.limit_fen for tier in rules.tiers)]
    known = {limit for limit in limits if limit}
    return sorted({100} | known | {limit + 1 for limit in known})


# --- limits that never hold anything back -------------------------------------------------------------------------------


def _limits(cases: Cases) -> Iterator[Finding]:
    rules, single = cases.rules, cases.largest_single_fen
    if rules.four_eyes_above_fen is not None and rules.four_eyes_above_fen < single:
        limit = rules.four_eyes_above_fen
        (reason, rule), some = next(
            (kind, some)
            for kind, some in cases.kinds.items()
            if kind[1].instant and single_limit(rules, kind[1]) > limit
        )
        yield Finding(
            "approved_past_four_eyes",
            path="four_eyes_above_fen",
            example=cases.example(limit + 1, some[0], rule),
            repair=tuple(
                Change(path, limit) for path, value in _single_limits(rules) if value is not None and value > limit
            ),
            values={"limit_fen": limit, "single_fen": single, "reason": reason},
        )
    for path, value in _single_limits(rules):
        for by in ("order_limit_fen", "auto_cashier_day_fen", "auto_store_day_fen"):
            cap = getattr(rules, by)
            if value is not None and cap and value > cap:
                yield _limit_never_fires(cases, path, value, by if by in _LABELS else f"auto_{by}", cap)
    counting = {
        _says(rules, case, "auto_approve_limit_fen")
        for (_, one), some in cases.kinds.items()
        if one.instant
        for case in some
    }
    for reason, rule in rules.reasons.items():
        path = ("reasons", reason, "auto_approve_limit_fen")
        if reason in REASONS and rule.auto_approve_limit_fen is not None and path not in counting:
            yield Finding(
                "limit_without_effect",
                path=".".join(path),
                example=cases.example(rule.auto_approve_limit_fen, Case("", "", reason), rule),
                repair=(Change(path, REMOVED),),
                values={"reason": reason},
            )
    for name, by, at_fen in (
        ("auto_customer_day_limit_fen", "auto_customer_30_days_fen", rules.auto_customer_30_days_fen),
        ("auto_cashier_day_fen", "auto_cashier_day_count", rules.auto_cashier_day_count * single),
        ("auto_key_day_fen", "auto_key_day_count", _times(rules.auto_key_day_count, single)),
        (
            "auto_customer_30_days_fen",
            "auto_customer_30_days_count",
            _times(rules.auto_customer_30_days_count, single),
        ),
        ("auto_customer_30_days_fen", "auto_customer_day_limit_fen", CUSTOMER_DAYS * rules.customer_day_limit_fen),
    ):
        value = getattr(rules, name)
        if value is not None and at_fen and value > at_fen:
            yield _limit_never_fires(cases, (name,), value, by, at_fen)


def _times(count: int | None, fen: int) -> int | None:
    return None if count is None else count * fen


def _single_limits(rules: Rules) -> Iterator[tuple[tuple[str | int, ...], int | None]]:
    """Every limit of one refund, and where it stands."""
    name = "auto_approve_limit_fen"
    yield (name,), rules.auto_approve_limit_fen
    for reason, rule in rules.reasons.items():
        if rule.instant:
            yield ("reasons", reason, name), rule.auto_approve_limit_fen
    for number, special in enumerate(rules.exceptions):
        yield ("exceptions", number, name), special.says.get(name)


def _limit_never_fires(cases: Cases, path: tuple[str | int, ...], value: int, by: str, at_fen: int) -> Finding:
    case = Case("", "", str(path[1]) if path[0] == "reasons" else Reason.PRICE_ADJUSTMENT)
    return Finding(
        "limit_never_fires",
        path=".".join(map(str, path)),
        example=cases.example(at_fen + 1, case),
        repair=(Change(path, at_fen),),
        values={
            "name": f"“{_LABELS[str(path[-1])]}”",
            "limit_fen": value,
            "by": f"“{_LABELS[by]}”",
            "at_fen": at_fen,
        },
    )


# --- routes and the law -------------------------------------------------------------------------------------------------


def _routes(rules: Rules) -> Iterator[Finding]:
    if Route.ORIGINAL not in rules.routes:
        yield Finding(
            "original_not_allowed",
            path="routes",
            example=Example(amount_fen=100, paid_fen=100),
            repair=(Change(("routes",), [Route.ORIGINAL.value, *rules.routes]),),
        )
    for unknown in (route for route in rules.routes if route not in Route.values):
        yield Finding(
            "route_never_fires",
            path="routes",
            example=Example(amount_fen=100, paid_fen=100, route=unknown),
            repair=(Change(("routes",), [route for route in rules.routes if route != unknown]),),
            values={"route": unknown, "why": gettext("there is no such route")},
        )
    for route, rule in rules.route_rules.items():
        if why := _why_never(rules, route, rule):
            yield Finding(
                "route_never_fires",
                path=f"route_rules.{route}",
                example=Example(amount_fen=100, paid_fen=100, route=route, funding=min(rule.fundings or {"balance"})),
                repair=(Change(("route_rules", route), REMOVED),),
                values={"route": route, "why": why},
            )


def _why_never(rules: Rules, route: str, rule: RouteRule) -> str:
    if route == Route.ORIGINAL:
        return gettext("what goes back as it was paid has no rule of its own")
    if route not in rules.routes:
        return gettext("the policy does not allow this route")
    if rule.fundings is not None and not rule.fundings & set(Funding.values):
        return gettext("no sale is paid from what it names")
    if route == Route.CASH and rule.fundings is not None and rule.fundings <= _CREDIT:
        return gettext("what was bought on credit never goes back as cash")
    return ""


def _statute(cases: Cases) -> Iterator[Finding]:
    """Where a rule is stricter than the law: for goods that are not as they should be, and for what was sold at a distance."""
    said = set()
    for (reason, rule), some in cases.kinds.items():
        for case, remote in product(some, (False, True)):
            example = replace(cases.example(100, case, rule), days=1, remote=remote)
            law = floor.statute(plain_facts(rule, example), cases.rules)
            # In the store the merchant is free to say what the law says of sales at a distance only.
            if law is None or (remote and law is not floor.REMOTE):
                continue
            below = floor.below(rule, law)
            if rule.extent == Extent.NONE and (remote or not rule.instant):
                # Nothing is refused by it alone: a person decides.
                del below["extent"]
            # Several places of the rules may say the same.
            for name, value in below.items():
                path = _says(cases.rules, case, name)
                if path in said:
                    continue
                said.add(path)
                yield Finding(
                    "below_statute_at_a_distance" if remote else "below_statute",
                    path=".".join(map(str, path)),
                    example=replace(example, days=rule.window_days + 1) if name == "window_days" else example,
                    repair=(Change(path, str(value) if name == "extent" else value),),
                    values={"reason": reason, "line": str(_LABELS[name])},
                )


_LABELS = {one.name: one.label for one in (*REASON, *POLICY)}


def _says(rules: Rules, case: Case, name: str) -> tuple[str | int, ...]:
    """Where in the rules the value that holds in this case stands."""
    for special in rules.exceptions_for(case.reason, store=case.store, group=case.group):
        if name in special.says:
            return ("exceptions", next(at for at, one in enumerate(rules.exceptions) if one is special), name)
    return ("reasons", case.reason, name)
