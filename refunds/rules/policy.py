"""Stage 2, policy: a pure function from facts and rules to an explained verdict.

Order of judgement: hard limits first (what is paid, what is left, what the channel can do), then the route where it is not
the original one, then the merchant's rule for the reason. A hard limit refuses; a merchant's rule that is not met sends the
request to a person. The filing window only advises: it never defeats a customer's statutory right.

The original route comes first: another one is a person's work, so a person decides, and says in the verdict's own words
whether the original is still open. What was bought on credit never leaves as cash, and leaves as a transfer only once the
original route is proven impossible: anything else would be cashing out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from core.money import yuan
from core.quantities import Quantity, quantity_text
from merchants.policy_rules import Extent, ReasonRule, Rules
from refunds.rules.standing import EqualCharges, Standing
from refunds.rules.worth import GOODS_COME_BACK
from refunds.states import BY_HAND, Reason, Route

_DAY = timedelta(days=1)
#: Fen, days and refunds are whole, pieces may be weighed.
Number = TypeVar("Number", int, Quantity)


class Ruling(StrEnum):
    APPROVE = "approve"
    REVIEW = "review"
    REFUSE = "refuse"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known when a request is judged. Amounts in fen.

    ``original_failed``: the channel refused this refund for good. ``on_this_route_fen``: what other refunds of the sale
    take on the same route, where a person pays. ``duplicate_of``: number of the refund of its order that asked for the same;
    ``is_another``: whoever asks says that it is another one. ``sums``: what its order, customer, cashier and key have had before.
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
    sums: Standing = field(default_factory=Standing)

    @property
    def days_of_window(self) -> int:
        """Days of the channel's window that are used: a moment past day 365 is day 366. Channels count by the moment."""
        return max(0, -((self.paid_at - self.at) // _DAY))

    @property
    def original_is_open(self) -> bool:
        """Whether the channel that was paid through would still take a refund."""
        in_time = self.days_of_window <= self.channel_window_days
        return (
            self.has_channel and in_time and self.refunds_so_far < self.channel_max_refunds and not self.original_failed
        )


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One line of the verdict. ``hard`` lines refuse when they do not pass, the others ask for a person."""

    code: str
    passed: bool
    actual: str
    limit: str
    hard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    decision: Ruling
    max_amount_fen: int
    tier: str
    policy_version: int
    due_at: datetime
    rules: tuple[RuleResult, ...]

    def as_json(self) -> dict[str, Any]:
        """What is stored with the request; explanations are written when it is read, in the reader's language."""
        return {
            "decision": self.decision.value,
            "max_amount_fen": self.max_amount_fen,
            "tier": self.tier,
            "policy_version": self.policy_version,
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


#: Reasons that say that a payment went wrong: never approved by rule without a finding.
NEEDS_FINDING = frozenset({Reason.DUPLICATE_CHARGE, Reason.SYSTEM_FAULT, Reason.NETWORK_FAULT, Reason.OPERATOR_ERROR})

#: Credit in the customer's hands must go back as credit: cash for it would be cashing out.
_CREDIT = frozenset({"credit_card", "consumer_credit"})


def judge(*, facts: Facts, rules: Rules, policy_version: int) -> Verdict:
    """The verdict on one request. Same facts and rules, same verdict: nothing is read, nothing is written."""
    rule = rules.reasons.get(facts.reason)
    results = [*_hard_limits(facts), *_other_route(facts, rules), *_merchant_rules(facts, rules, rule)]
    failed = [result for result in results if not result.passed]
    decision = Ruling.REVIEW if failed else Ruling.APPROVE
    if any(result.hard for result in failed):
        decision = Ruling.REFUSE
    return Verdict(
        decision=decision,
        max_amount_fen=_largest(facts, rules, rule),
        # Of all together: ten of 990 are decided in the tier of 9,900.
        tier=rules.tier_for(facts.amount_fen + facts.sums.tier_fen).name,
        policy_version=policy_version,
        due_at=facts.at + _handling_time(rules, rule),
        rules=tuple(results),
    )


def _hard_limits(facts: Facts) -> list[RuleResult]:
    results = [
        RuleResult("payment_succeeded", facts.paid, "success" if facts.paid else "not_paid", "success", hard=True),
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
                str(_days_since(facts.paid_at, facts.at) if in_time else facts.days_of_window),
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


def _merchant_rules(facts: Facts, rules: Rules, rule: ReasonRule | None) -> list[RuleResult]:
    results = [
        RuleResult("route_allowed", facts.route in rules.routes, facts.route, ", ".join(rules.routes), hard=True),
        RuleResult("reason_covered", rule is not None, facts.reason, "covered"),
    ]
    if rule is not None:
        days = _days_since(facts.paid_at, facts.at)
        share = -(-facts.amount_fen * 100 // facts.paid_fen)  # rounded up: 50.2% is more than half
        results += [
            _within("filing_window", days, rule.window_days),
            _within("reason_share", share, rule.max_share_percent),
            RuleResult("instant_reason", rule.instant, facts.reason, "instant"),
        ]
        if rule.extent is not Extent.ANY:
            is_full = facts.amount_fen == facts.paid_fen
            fits = is_full == (rule.extent is Extent.FULL)
            results.append(RuleResult("reason_extent", fits, "full" if is_full else "partial", rule.extent.value))
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
    if facts.consent is False:
        results.append(RuleResult("customer_consent", passed=False, actual="no", limit="yes"))
    results.append(_within("auto_approve_limit", facts.amount_fen, rules.auto_approve_limit_fen, shown=yuan))
    if facts.sums.charges is not None:
        results += _finding(facts.sums.charges, facts.amount_fen)
    if facts.sale_held:
        results.append(RuleResult("sale_held", passed=False, actual="yes", limit="no"))
    if facts.duplicate_of:
        results.append(RuleResult("possible_duplicate", facts.is_another, facts.duplicate_of, "another"))
    return [*results, *_sums(facts, rules)]


def _finding(charges: EqualCharges, amount_fen: int) -> list[RuleResult]:
    """That something went wrong takes more than somebody's word: an equal payment close by. One of them stays."""
    known = charges.others > 0
    results = [RuleResult("second_charge", known, charges.number if known else "none", "known")]
    if known:
        back = charges.returned + charges.count_of(amount_fen)
        results.append(_within("one_charge_stays", back, charges.others))
    return results


def _sums(facts: Facts, rules: Rules) -> list[RuleResult]:
    """What is approved without a person in all. Where nothing came before, a refund above its own limit is not said to be above
    that of a sum as well.
    """
    sums, own = facts.sums, facts.amount_fen
    results = []
    if sums.order_rejected:
        # Whatever was corrected: what a person refused, only a person takes back.
        results.append(RuleResult("order_not_rejected", passed=False, actual="yes", limit="no"))
    said = own > rules.auto_approve_limit_fen
    for code, before, limit in (
        ("auto_order_limit", sums.order_fen, rules.order_limit_fen),
        ("auto_customer_day_limit", sums.customer_day_fen, rules.customer_day_limit_fen),
        ("auto_key_day_limit", sums.key_day_fen, rules.auto_key_day_fen),
    ):
        if before is not None and limit is not None and (before or not said):
            results.append(_within(code, before + own, limit, shown=yuan))
    for code, so_far, most in (
        ("auto_cashier_day_count", sums.cashier_day_count, rules.auto_cashier_day_count),
        ("auto_key_day_count", sums.key_day_count, rules.auto_key_day_count),
    ):
        if so_far is not None and most is not None and (so_far or not said):
            results.append(_within(code, so_far + 1, most))
    return results


def _within(
    code: str, actual: Number, limit: Number, *, shown: Callable[[Number], str] = str, hard: bool = False
) -> RuleResult:
    return RuleResult(code, actual <= limit, shown(actual), shown(limit), hard=hard)


def _largest(facts: Facts, rules: Rules, rule: ReasonRule | None) -> int:
    share = rule.max_share_percent if rule else 100
    most = min(facts.refundable_fen, facts.paid_fen * share // 100)
    limit = rules.route_rule(facts.route).limit_fen if facts.route in BY_HAND else None
    return max(0, most if limit is None else min(most, limit - facts.on_this_route_fen))


def _handling_time(rules: Rules, rule: ReasonRule | None) -> timedelta:
    """Simple reasons are answered within minutes, the others within hours: two different promises."""
    if rule is not None and rule.instant and rule.extent is not Extent.FULL:
        return timedelta(minutes=rules.handling_minutes)
    return timedelta(hours=rules.complex_handling_hours)


def _days_since(then: datetime, now: datetime) -> int:
    """Days begun since then: the day of payment is day 0."""
    return max(0, (now - then).days)


def _flag(value: bool) -> str:  # noqa: FBT001
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
