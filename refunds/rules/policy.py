"""Stage 2, policy: a pure function from facts and rules to an explained verdict.

Order of judgement: hard limits first (what is paid, what is left, what the channel can do), then the route where it is not
the original one, then what the law gives, the merchant's rule for the reason, raised to that, what looks odd, and what it all
comes to. A hard limit refuses; a merchant's rule that is not met sends the request to a person. The filing window only advises:
it never defeats a customer's statutory right.

The original route comes first: another one is a person's work, so a person decides, and says in the verdict's own words
whether the original is still open. What was bought on credit never leaves as cash, and leaves as a transfer only once the
original route is proven impossible: anything else would be cashing out.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from core.money import yuan
from core.quantities import Quantity, quantity_text
from core.values import value
from merchants.policies.fields import Extent
from merchants.policies.rules import ReasonRule, Rules
from refunds.rules import clocks, deposits, floor, goods, payment, risk
from refunds.rules.facts import Facts, canonical
from refunds.rules.standing import EqualCharges
from refunds.rules.worth import GOODS_COME_BACK
from refunds.states import BY_HAND, Reason, Route

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
#: Fen, days and refunds are whole, pieces may be weighed.
Number = TypeVar("Number", int, Quantity)


class Ruling(StrEnum):
    APPROVE = "approve"
    REVIEW = "review"
    REFUSE = "refuse"


class RuleResult(NamedTuple):
    """One line of the verdict. ``hard`` lines refuse when they do not pass, the others ask for a person."""

    code: str
    passed: bool
    actual: str
    limit: str
    hard: bool = False


@value(kw_only=True)
class Verdict:
    """What the policy answers. ``auto_limit_fen``: so much goes back without a person at most. ``approvers``: how many people
    approve. ``due_at`` is when an answer is owed, ``file_by`` until when the customer may ask (None: nothing is said of the
    reason). ``arrival_days``: working days from payout to arrival, first and last; ``fee_fen``: what the channel keeps.
    """

    decision: Ruling
    max_amount_fen: int
    auto_limit_fen: int
    routes: tuple[str, ...]
    evidence: tuple[str, ...]
    goods_required: bool
    tier: str
    approvers: int
    policy_version: int
    due_at: datetime
    file_by: datetime | None
    arrival_days: tuple[int, int]
    fee_fen: int
    rules: tuple[RuleResult, ...]

    @property
    def waits_for_channel(self) -> bool:
        """Whether nobody decides before the channel was asked about the payment."""
        return any(rule.code == payment.RULE and rule.actual == payment.NOT_ASKED for rule in self.rules)

    @property
    def waits_for_goods(self) -> bool:
        """Whether nothing but the goods is missing: once they are there, and as described, nobody else need decide."""
        return [rule.code for rule in self.rules if not rule.passed] == ["goods_received"]

    def as_json(self) -> dict[str, Any]:
        """What is stored with the request; explanations are written when it is read, in the reader's language."""
        return {
            "decision": self.decision.value,
            "max_amount_fen": self.max_amount_fen,
            "routes": list(self.routes),
            "evidence": list(self.evidence),
            "goods_required": self.goods_required,
            "tier": self.tier,
            "approvers": self.approvers,
            "policy_version": self.policy_version,
            "due_at": self.due_at.astimezone(UTC).isoformat(),
            "file_by": self.file_by and self.file_by.astimezone(UTC).isoformat(),
            "arrival_days": list(self.arrival_days),
            "fee_fen": self.fee_fen,
            "rules": [
                {
                    "code": rule.code,
                    "passed": rule.passed,
                    "hard": rule.hard,
                    "actual": rule.actual,
                    "limit": rule.limit,
                }
                for rule in self.rules
            ],
        }

    def digest(self) -> str:
        """The same verdict has the same digest, byte for byte."""
        return digest_of(self.as_json())


def digest_of(verdict: Mapping[str, Any]) -> str:
    """The digest of a verdict's JSON."""
    return hashlib.sha256(canonical(verdict).encode()).hexdigest()


#: Reasons that say that a payment went wrong: never approved by rule without a finding.
NEEDS_FINDING = frozenset({Reason.DUPLICATE_CHARGE, Reason.SYSTEM_FAULT, Reason.NETWORK_FAULT, Reason.OPERATOR_ERROR})

#: Credit in the customer's hands must go back as credit: cash for it would be cashing out.
_CREDIT = frozenset({"credit_card", "consumer_credit"})

#: What leaves on these nobody can call back.
TWO_FOR = frozenset({Route.CASH, Route.BANK_TRANSFER})


def judge(*, facts: Facts, rules: Rules, policy_version: int) -> Verdict:
    """The verdict on one request. Same facts and rules, same verdict: nothing is read, nothing is written."""
    own, law, rule = _rules_for(facts, rules)
    grace = 0 if rule is None else clocks.filing_grace(graces=facts.graces, window_days=rule.window_days)
    limit_fen = rules.auto_approve_limit_fen
    if rule is not None and rule.auto_approve_limit_fen is not None:
        limit_fen = rule.auto_approve_limit_fen
    results = [*_hard_limits(facts), *_other_route(facts, rules)]
    if law is not None:
        results.append(RuleResult(law.code, passed=True, actual=str(facts.days), limit=str(law.days)))
    results += _merchant_rules(facts, rules, rule, covered=own is not None, limit_fen=limit_fen, grace_hours=grace)
    results += _deposit(facts)
    results += [RuleResult(*signal) for signal in risk.signals(facts, rules, limit_fen=limit_fen)]
    results += _sums(facts, rules, limit_fen)
    failed = [result for result in results if not result.passed]
    decision = Ruling.REVIEW if failed else Ruling.APPROVE
    if any(result.hard for result in failed):
        decision = Ruling.REFUSE
    # Of all together: ten of 990 are decided in the tier of 9,900.
    in_all_fen = facts.amount_fen + facts.sums.tier_fen
    return Verdict(
        decision=decision,
        max_amount_fen=_largest(facts, rules, rule),
        auto_limit_fen=limit_fen,
        routes=tuple(route for route in rules.routes if _is_open(facts, rules, route)),
        evidence=rule.evidence_required if rule else (),
        goods_required=rule.goods_required if rule else False,
        tier=rules.tier_for(in_all_fen, store=facts.store).name,
        approvers=0 if decision is Ruling.APPROVE else approvers(rules, (facts.route,), in_all_fen),
        policy_version=policy_version,
        due_at=clocks.due(
            at=facts.at,
            time=_handling_time(rules, rule),
            opening=() if _is_simple(rule) else facts.opening,
            grace_hours=facts.grace_hours,
        ),
        file_by=facts.paid_at + rule.window_days * _DAY + grace * _HOUR if rule else None,
        arrival_days=facts.arrival_days,
        fee_fen=0 if facts.fee_returned else (facts.amount_fen * facts.fee_rate_bp + 5000) // 10000,
        rules=tuple(results),
    )


def _rules_for(facts: Facts, rules: Rules) -> tuple[ReasonRule | None, floor.Statute | None, ReasonRule | None]:
    """The merchant's own rule, what the law says, and what both come to."""
    own = rules.rule_for(facts.reason, store=facts.store, groups=facts.groups)
    law = floor.statute(facts, rules)
    return own, law, floor.over(own, law) if law else own


def is_simple(*, facts: Facts, rules: Rules) -> bool:
    """Whether its handling clock runs by the wall, for minutes, instead of in opening hours."""
    return _is_simple(_rules_for(facts, rules)[2])


def approvers(rules: Rules, routes: Collection[str], in_all_fen: int) -> int:
    """How many people approve: two above the limit; and where there is one, for all that leaves as cash or by transfer."""
    limit_fen = rules.four_eyes_above_fen
    if limit_fen is None:
        return 1
    return 2 if in_all_fen > limit_fen or not TWO_FOR.isdisjoint(routes) else 1


def _is_open(facts: Facts, rules: Rules, route: str) -> bool:
    """Whether no hard limit of the route itself stands against this refund, given the customer's consent."""
    if route == Route.ORIGINAL:
        return facts.original_is_open
    if facts.funding in _CREDIT and (route == Route.CASH or (route == Route.BANK_TRANSFER and facts.original_is_open)):
        return False
    allowed = rules.route_rule(route)
    before_fen = facts.on_this_route_fen if route == facts.route else 0
    return (allowed.fundings is None or facts.funding in allowed.fundings) and (
        allowed.limit_fen is None or before_fen + facts.amount_fen <= allowed.limit_fen
    )


def _hard_limits(facts: Facts) -> list[RuleResult]:
    results = [
        RuleResult(
            "payment_succeeded", facts.paid, payment.standing(facts.payment_word, paid=facts.paid), "success", hard=True
        ),
        _within("refundable_balance", facts.amount_fen, facts.refundable_fen, shown=yuan, hard=True),
        RuleResult("terminal_enabled", facts.terminal_enabled, _flag(facts.terminal_enabled), "enabled", hard=True),
    ]
    if facts.route == Route.ORIGINAL:
        in_time = facts.days_of_window <= facts.channel_window_days
        results += [
            RuleResult("original_route", facts.has_channel, _flag(facts.has_channel), "enabled", hard=True),
            RuleResult(
                "channel_window",
                in_time,
                # Counted as everywhere, from day 0; past the window by an hour, it is the day that is too many.
                str(facts.days if in_time else facts.days_of_window),
                str(facts.channel_window_days),
                hard=True,
            ),
            _within("channel_refund_count", facts.refunds_so_far + 1, facts.channel_max_refunds, hard=True),
        ]
    quantities = [
        _within("article_quantity", claim.quantity, claim.returnable, shown=quantity_text, hard=True)
        for claim in facts.claims
    ]
    return results + quantities


def _other_route(facts: Facts, rules: Rules) -> list[RuleResult]:
    """What speaks for and against paying back another way than was paid."""
    if facts.route not in BY_HAND:
        return []
    agreed = facts.consent is True
    results = [RuleResult("consent_to_route", agreed, "yes" if agreed else "no", "yes", hard=True)]
    if facts.route == Route.CASH:
        results.append(RuleResult("no_cash_for_credit", facts.funding not in _CREDIT, facts.funding, "cash", hard=True))
    still_open = facts.original_is_open
    if facts.route == Route.BANK_TRANSFER and facts.funding in _CREDIT:
        results.append(RuleResult("no_transfer_for_credit", not still_open, facts.funding, "original", hard=True))
    allowed = rules.route_rule(facts.route)
    if allowed.fundings is not None:
        fits = facts.funding in allowed.fundings
        results.append(RuleResult("route_funding", fits, facts.funding, ", ".join(sorted(allowed.fundings)), hard=True))
    if allowed.limit_fen is not None:
        # Of one sale in all: the limit is not got round by asking twice.
        in_all = facts.on_this_route_fen + facts.amount_fen
        results.append(_within("route_limit", in_all, allowed.limit_fen, shown=yuan, hard=True))
    return [
        *results,
        RuleResult("original_first", not still_open, "possible" if still_open else "impossible", "impossible"),
        RuleResult("by_hand", passed=False, actual=facts.route, limit="original"),
    ]


def _merchant_rules(
    facts: Facts, rules: Rules, rule: ReasonRule | None, *, covered: bool, limit_fen: int, grace_hours: int
) -> list[RuleResult]:
    results = [
        RuleResult("route_allowed", facts.route in rules.routes, facts.route, ", ".join(rules.routes), hard=True),
        RuleResult("reason_covered", covered, facts.reason, "covered"),
    ]
    if rule is not None:
        results += _reason_rule(facts, rule, window_days=rule.window_days - (-grace_hours // 24))
    if facts.claims:
        value = sum(claim.value_fen for claim in facts.claims)
        charged = sum(claim.charged_fen for claim in facts.claims)
        results += [
            RuleResult("piece_worth", passed=True, actual=yuan(value), limit=yuan(charged)),
            _within("articles_cover_amount", facts.amount_fen, value, shown=yuan),
        ]
        if facts.amount_fen * 100 == value and facts.reason in GOODS_COME_BACK:
            results.append(RuleResult("amount_in_fen", passed=False, actual=yuan(facts.amount_fen), limit=yuan(value)))
        dearer = any(claim.is_dearer for claim in facts.claims)
        if dearer or any(claim.is_cheaper for claim in facts.claims):
            results.append(RuleResult("cheaper_piece", not dearer, "dearer" if dearer else "cheaper", "cheaper"))
    if facts.no_sale:
        # Whatever comes back without its sale, a person looks at: the limit only says how much at most.
        results += [
            RuleResult("sale_found", passed=False, actual="no", limit="yes"),
            _within("no_receipt_limit", facts.amount_fen, rules.no_receipt_limit_fen, shown=yuan, hard=True),
        ]
    if facts.consent is False:
        results.append(RuleResult("customer_consent", passed=False, actual="no", limit="yes"))
    results.append(_within("auto_approve_limit", facts.amount_fen, limit_fen, shown=yuan))
    if facts.sums.charges is not None:
        results += _finding(facts.sums.charges, facts.amount_fen)
        if rules.fault_hours is not None:
            # Found and early: at once. Early but not found, or found but late: a person.
            results.append(_within("fault_in_time", -((facts.paid_at - facts.at) // _HOUR), rules.fault_hours))
    if facts.always_review:
        results.append(RuleResult("mandate", passed=False, actual="yes", limit="no"))
    if facts.sale_held:
        results.append(RuleResult("sale_held", passed=False, actual="yes", limit="no"))
    results += _payment_confirmed(facts, rules)
    return [*results, *_said_before(facts)]


def _said_before(facts: Facts) -> list[RuleResult]:
    """What was asked for and what was agreed with the customer before."""
    results = []
    if facts.duplicate_of:
        results.append(RuleResult("possible_duplicate", facts.is_another, facts.duplicate_of, "another"))
    if (agreed_fen := facts.agreed_fen) is not None:
        results.append(
            RuleResult("as_agreed", facts.amount_fen == agreed_fen, yuan(facts.amount_fen), yuan(agreed_fen))
        )
    return results


def _reason_rule(facts: Facts, rule: ReasonRule, *, window_days: int) -> list[RuleResult]:
    """What the merchant's rule for the reason, at most as strict as the law lets it be, says."""
    share = -(-facts.amount_fen * 100 // facts.paid_fen)  # rounded up: 50.2% is more than half
    results = [
        _within("filing_window", facts.days, window_days),
        _within("reason_share", share, rule.max_share_percent),
        RuleResult("instant_reason", rule.instant, facts.reason, "instant"),
    ]
    if rule.min_share_percent:
        enough = facts.amount_fen * 100 >= facts.paid_fen * rule.min_share_percent
        results.append(RuleResult("reason_least", enough, str(share), str(rule.min_share_percent)))
    if rule.extent != Extent.ANY:
        is_full = facts.amount_fen == facts.paid_fen
        fits = rule.extent != Extent.NONE and is_full == (rule.extent == Extent.FULL)
        results.append(RuleResult("reason_extent", fits, "full" if is_full else "partial", rule.extent))
    if rule.goods_required:
        came = facts.goods_received
        results.append(RuleResult("goods_received", came, "yes" if came else "no", "yes"))
    if facts.goods_found:
        fine = facts.goods_found == goods.FINE
        results.append(RuleResult("goods_as_described", fine, facts.goods_found, goods.FINE))
    if rule.evidence_required:
        given = all(kind in facts.evidence for kind in rule.evidence_required)
        named = ", ".join(facts.evidence) or "none"
        results.append(RuleResult("evidence_given", given, named, ", ".join(rule.evidence_required)))
    return results


def _deposit(facts: Facts) -> list[RuleResult]:
    """What the law says of a deposit. Where something stays with the merchant or is owed on top, a person decides."""
    if facts.deposit is None:
        return []
    settled = deposits.settle(facts.deposit, paid_fen=facts.paid_fen)
    results = [RuleResult(step.code, step.code == "deposit_cap", yuan(step.fen), step.of) for step in settled.steps]
    if facts.deposit.deduction_fen:
        proven = bool(deposits.PROVES_DEDUCTION.intersection(facts.evidence))
        asked = ", ".join(sorted(deposits.PROVES_DEDUCTION))
        results.append(RuleResult("deduction_proven", proven, ", ".join(facts.evidence) or "none", asked))
    due_fen = max(0, settled.refund_fen - (facts.paid_fen - facts.refundable_fen))
    results.append(RuleResult("deposit_settled", facts.amount_fen == due_fen, yuan(facts.amount_fen), yuan(due_fen)))
    return results


def _payment_confirmed(facts: Facts, rules: Rules) -> list[RuleResult]:
    """Of an order in all: a large refund of a sale that was only reported waits for its channel's word. What the channel has said
    against a payment counts whatever the amount.
    """
    limit, word = rules.confirm_payment_above_fen, facts.payment_word
    is_large = limit is not None and facts.has_channel and facts.amount_fen + facts.sums.order_fen > limit
    if not facts.paid or not (is_large or payment.is_contradiction(word)):
        return []
    return [RuleResult(payment.RULE, payment.confirms(word), word, "paid")]


def _finding(charges: EqualCharges, amount_fen: int) -> list[RuleResult]:
    """That something went wrong takes more than somebody's word: an equal payment close by. One of them stays."""
    known = charges.others > 0
    results = [RuleResult("second_charge", known, charges.number if known else "none", "known")]
    if known:
        back = charges.returned + charges.count_of(amount_fen)
        results.append(_within("one_charge_stays", back, charges.others))
    return results


def _sums(facts: Facts, rules: Rules, limit_fen: int) -> list[RuleResult]:
    """What is approved without a person in all. Where nothing came before, a refund above its own limit is not said to be above
    that of a sum as well.
    """
    sums, own = facts.sums, facts.amount_fen
    results = []
    if sums.order_rejected:
        # Whatever was corrected: what a person refused, only a person takes back.
        results.append(RuleResult("order_not_rejected", passed=False, actual="yes", limit="no"))
    if rules.watch_splitting and sums.together_fen:
        alone = rules.tier_for(own, store=facts.store)
        together = rules.tier_for(own + sums.together_fen, store=facts.store)
        if together is not alone:
            limit = yuan(alone.limit_fen or 0)
            results.append(RuleResult("not_split", passed=False, actual=yuan(own + sums.together_fen), limit=limit))
    said = own > limit_fen
    for code, before, limit_in_all in (
        ("auto_order_limit", sums.order_fen, rules.order_limit_fen),
        ("auto_customer_day_limit", sums.customer_day_fen, rules.customer_day_limit_fen),
        ("auto_customer_30_days_limit", sums.customer_30_days_fen, rules.auto_customer_30_days_fen),
        ("auto_cashier_day_limit", sums.cashier_day_fen, rules.auto_cashier_day_fen),
        ("auto_store_day_limit", sums.store_day_fen, rules.auto_store_day_fen),
        ("auto_key_day_limit", sums.key_day_fen, rules.auto_key_day_fen),
    ):
        if before is not None and limit_in_all is not None and (before or not said):
            results.append(_within(code, before + own, limit_in_all, shown=yuan))
    for code, so_far, most in (
        ("auto_customer_30_days_count", sums.customer_30_days_count, rules.auto_customer_30_days_count),
        ("auto_cashier_day_count", sums.cashier_day_count, rules.auto_cashier_day_count),
        ("auto_key_day_count", sums.key_day_count, rules.auto_key_day_count),
    ):
        if so_far is not None and most is not None and (so_far or not said):
            results.append(_within(code, so_far + 1, most))
    return results


def _within(
    code: str, actual: Number, limit: Number, *, shown: Callable[[Number], str] = str, hard: bool = False
) -> RuleResult:
    return RuleResult(code, actual <= limit, shown(actual), shown(limit), hard)


def _largest(facts: Facts, rules: Rules, rule: ReasonRule | None) -> int:
    share = 100
    if rule is not None:
        share = 0 if rule.extent == Extent.NONE else rule.max_share_percent
    most = min(facts.refundable_fen, facts.paid_fen * share // 100)
    limit = rules.route_rule(facts.route).limit_fen if facts.route in BY_HAND else None
    return max(0, most if limit is None else min(most, limit - facts.on_this_route_fen))


def _handling_time(rules: Rules, rule: ReasonRule | None) -> timedelta:
    """Simple reasons are answered within minutes, the others within hours: two different promises."""
    if _is_simple(rule):
        return timedelta(minutes=rules.handling_minutes)
    return timedelta(hours=rules.complex_handling_hours)


def _is_simple(rule: ReasonRule | None) -> bool:
    return rule is not None and rule.instant and rule.extent != Extent.FULL


def _flag(value: bool) -> str:  # noqa: FBT001 - the value that is worded
    return "enabled" if value else "disabled"


#: Reasons by what is being asked for, as the API's ``kind``.
KIND_OF_REASON: dict[str, str] = {
    Reason.QUALITY: "goods_return",
    Reason.NOT_AS_DESCRIBED: "goods_return",
    Reason.NO_REASON: "goods_return",
    Reason.SERVICE_FAILURE: "service_failure",
    Reason.PRICE_ADJUSTMENT: "price_adjustment",
    Reason.WRONG_AMOUNT: "wrong_amount",
    Reason.OPERATOR_ERROR: "wrong_amount",
    Reason.DUPLICATE_CHARGE: "duplicate_charge",
    Reason.SYSTEM_FAULT: "system_fault",
    Reason.NETWORK_FAULT: "system_fault",
    Reason.CUSTOMER_CANCELLED: "customer_cancelled",
    Reason.DEPOSIT: "deposit",
    Reason.GOODWILL: "goodwill",
}
