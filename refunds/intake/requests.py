"""Stage 1, intake: from a wish to a judged request, ready to be stored.

``prepare`` finds the sale, asks the policy and builds the request in memory; ``submit`` stores it. Between the two a face may
add what belongs in the same commit (the idempotency record with the first answer).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from uuid_utils.compat import uuid7

from core.audit.actors import POLICY
from core.audit.models import AuditEvent
from core.audit.record import event
from core.calendar import SHANGHAI
from core.errors import FieldError, Invalid
from core.personal_data import phone_hashes
from merchants import policies, rights
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.facts import conditions, payees, sums
from refunds.facts.sales import Sale, find_sale
from refunds.intake import submitting as submission
from refunds.intake.submitting import Submission
from refunds.lifecycle import Move
from refunds.models import Execution, Payee, RefundLine, RefundRequest
from refunds.models.execution import new_execution
from refunds.models.hand_accounts import is_by_hand
from refunds.rules import policy
from refunds.rules.method import MethodChoice, choose_method
from refunds.rules.policy import Decision, Facts, LineClaim, Verdict
from refunds.rules.standing import Standing
from refunds.states import ExecutionState, Route, State

#: How often a request is judged anew where others were faster. Sums only grow, so that the second time settles it; a third is for
#: a policy that changes in between.
_TRIES = 3


class PolicyRefused(Invalid):
    """A hard limit stands against the refund; ``facts["verdict"]`` explains it. Nothing was stored."""

    code = "refused_by_policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    name: str = ""
    phone: str = ""
    email: str = ""
    locale: str = "zh-Hans"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is asked for. The sale is named by ``transaction_id`` or ``order_no``; ``lines`` are (sku, quantity);
    ``payee`` is the customer's account for a bank transfer.
    """

    amount_fen: int
    reason: str
    transaction_id: UUID | None = None
    order_no: str = ""
    description: str = ""
    route: str = Route.ORIGINAL
    lines: Sequence[tuple[str, int]] = ()
    customer: Customer = field(default_factory=Customer)
    customer_consent: bool | None = None
    payee: payees.Account | None = None
    cashier: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A judged request that is not stored yet, with the sale it was judged on."""

    submission: Submission
    sale: Sale
    verdict: Verdict
    payee: Payee | None = None


def quote(*, draft: Draft, by: Principal, at: datetime) -> tuple[Sale, Verdict]:
    """The policy's verdict, refusals included, without making anything."""
    rights.check_may(Act.QUOTE, by=by)
    sale = _find(draft, by, at)
    return sale, _judge(
        sale, draft, _claims(sale, draft.lines), at, sums.standing(sale=sale, of=_parties(sale, draft, by, at))
    )


def prepare(*, draft: Draft, by: Principal, at: datetime) -> Prepared:
    """Find the sale, judge, build. Raises ``Forbidden``, ``NotFound``, ``Invalid`` or ``PolicyRefused``."""
    rights.check_may(Act.SUBMIT, by=by)
    sale = _find(draft, by, at)
    claims = _claims(sale, draft.lines)
    parties = _parties(sale, draft, by, at)
    verdict = _judge(sale, draft, claims, at, sums.standing(sale=sale, of=parties))
    _refuse_hard_limits(verdict)
    payees.check(route=draft.route, account=draft.payee)
    request = _build(sale, draft, verdict, by, at)
    changes = _first_changes(request, verdict, by, at)
    prepared = Submission(
        request=request,
        changes=changes,
        lines=[RefundLine(request=request, line_id=line_id, quantity=quantity) for line_id, quantity, _ in claims],
        pieces=[(line_id, quantity) for line_id, quantity, _ in claims],
        sums=sums.moves(
            of=parties,
            rules=policies.rules_of(sale.policy_version_id),
            amount_fen=request.amount_fen,
            by_rule=request.by_rule,
            asked_fen=request.amount_fen,
        ),
        refunds_limit=_refunds_limit(sale, draft.route),
    )
    if request.state == State.APPROVED:
        assert sale.channel_account_id is not None
        choice = _choose_method(sale, request.amount_fen, sale.refunds, at)
        prepared.execution = new_execution(request, channel_account_id=sale.channel_account_id, choice=choice, at=at)
    payee = payees.row(request=request, account=draft.payee, by=by.actor, at=at) if draft.payee else None
    return Prepared(prepared, sale, verdict, payee)


def submit(
    *, draft: Draft, by: Principal, at: datetime, before_commit: Callable[[Prepared], None] | None = None
) -> Prepared:
    """Take a request in. Raises what ``prepare`` raises, ``OverRefund`` or ``KeyAlreadyUsed``; then nothing was stored.

    Where others took the room that it was judged on (``RoomTaken``), it is judged anew: a person decides then, or a hard limit
    refuses.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            if not is_by_hand(draft.route):
                return _store(prepare(draft=draft, by=by, at=at), before_commit)
            with transaction.atomic():
                # What a route takes of a sale has no counter: these are few, and a person pays each.
                _hold(_find(draft, by, at).id)
                return _store(prepare(draft=draft, by=by, at=at), before_commit)
        except sums.RoomTaken:
            if not tries_left:
                raise
    raise AssertionError("the last try has either returned or raised")


def _store(prepared: Prepared, before_commit: Callable[[Prepared], None] | None) -> Prepared:
    if before_commit is not None:
        before_commit(prepared)
    if prepared.payee is None:
        submission.store(prepared.submission)
        return prepared
    with transaction.atomic():
        submission.store(prepared.submission)
        prepared.payee.save(force_insert=True)
    return prepared


def _hold(transaction_id: UUID) -> None:
    with connection.cursor() as cursor:
        lifecycle.lock_sales(cursor, [transaction_id])


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a resubmission changes; None leaves a field as it is."""

    amount_fen: int | None = None
    reason: str | None = None
    description: str | None = None
    route: str | None = None
    payee: payees.Account | None = None
    customer_consent: bool | None = None


def resubmit(
    *, request_id: UUID, correction: Correction, by: Principal, at: datetime, expected_version: int | None = None
) -> RefundRequest:
    """Send a request in again, corrected, to be judged anew. One whose order was ever rejected goes to a person, whoever sends
    it and however it was corrected. Raises as ``prepare`` and ``lifecycle.advance`` do.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            return _resubmit(request_id, correction, by, at, expected_version)
        except sums.RoomTaken:
            if not tries_left:
                raise
    raise AssertionError("the last try has either returned or raised")


@transaction.atomic
def _resubmit(
    request_id: UUID, correction: Correction, by: Principal, at: datetime, expected_version: int | None
) -> RefundRequest:
    request = lifecycle.lock_requests([request_id])[request_id]
    act = Act.RESUBMIT_FAILED if request.state == State.FAILED else Act.RESUBMIT
    conditions.check(act, by=by, request=request, at=at)
    given_back = request.reserved_fen
    # From here on the sale stays as it is judged.
    sums.held(transaction_id=request.transaction_id, lock=True)
    sale = find_sale(merchant_id=request.merchant_id, at=at, transaction_id=request.transaction_id)
    draft = Draft(
        amount_fen=correction.amount_fen or request.amount_fen,
        reason=correction.reason or request.reason,
        route=correction.route or request.route,
        customer_consent=_consent(request, correction),
    )
    payees.check(route=draft.route, account=correction.payee, known=payees.of(request) is not None)
    # The request's own lines and amount are still counted where it was not released: they do not stand against it.
    claims = _own_claims(sale, request, still_counted=bool(given_back))
    parties = _parties_again(sale, request, by, at)
    standing = sums.standing(sale=sale, of=parties, own_fen=given_back, own_asked_fen=_asked_today(request, at))
    verdict = _judge(sale, draft, claims, at, standing, own_fen=given_back, again=request)
    _refuse_hard_limits(verdict)
    if not given_back:
        sums.make_room(transaction_id=request.transaction_id, limit=_refunds_limit(sale, draft.route))
    sums.add(
        sums.moves(
            of=parties,
            rules=policies.rules_of(sale.policy_version_id),
            amount_fen=draft.amount_fen,
            by_rule=verdict.decision is Decision.APPROVE,
            asked_fen=max(0, draft.amount_fen - _asked_today(request, at)),
        )
    )
    moves = [
        Move(
            request_id,
            "resubmit",
            by.actor,
            at,
            expected_version,
            {"due_at": verdict.due_at, "amount_fen": draft.amount_fen},
            {"amount_fen": draft.amount_fen, "reason": draft.reason, "route": draft.route},
        ),
        Move(request_id, _next_after(verdict), POLICY, at, None, {}, _judged(verdict)),
    ]
    changed = lifecycle.advance_many(moves)[-1]
    RefundRequest.objects.filter(pk=request_id).update(
        reason=draft.reason,
        route=draft.route,
        customer_consent=draft.customer_consent,
        description=request.description if correction.description is None else correction.description,
        verdict=verdict.as_json(),
        tier=verdict.tier,
        policy_version_id=sale.policy_version_id,
    )
    if correction.payee is not None:
        payees.row(request=request, account=correction.payee, by=by.actor, at=at).save()
    if changed.state == State.APPROVED:
        assert sale.channel_account_id is not None
        attempt_no = changed.executions.count() + 1
        choice = _choose_method(sale, draft.amount_fen, sale.refunds - bool(given_back), at)
        new_execution(
            changed, channel_account_id=sale.channel_account_id, choice=choice, at=at, attempt_no=attempt_no
        ).save()
    return changed


def _consent(request: RefundRequest, correction: Correction) -> bool | None:
    """What the customer agreed to; to another route they must agree anew."""
    if correction.customer_consent is not None:
        return correction.customer_consent
    another_way = correction.route is not None and correction.route != request.route
    return None if another_way else request.customer_consent


def _original_failed(request: RefundRequest) -> bool:
    """Whether the channel that was paid through has proven that it will not take this refund back."""
    if request.state != State.FAILED:
        return False
    refused = Execution.objects.filter(request_id=request.pk, state=ExecutionState.FAILED)
    return refused.filter(channel_account_id=request.transaction.channel_account_id).exists()


def _parties(sale: Sale, draft: Draft, by: Principal, at: datetime) -> sums.Parties:
    """Who is counted for a new request."""
    return sums.parties(
        sale=sale,
        at=at,
        phone=draft.customer.phone,
        cashier=draft.cashier,
        staff_ids=[by.staff_id] if by.staff_id is not None else [],
        key_ids=[by.key_id] if by.key_id is not None else [],
    )


def _parties_again(sale: Sale, request: RefundRequest, by: Principal, at: datetime) -> sums.Parties:
    """Who is counted for a stored request: who asked first, and who sends it in again."""
    staff_ids = {pk for pk in (request.staff_id, by.staff_id) if pk is not None}
    key_ids = {pk for pk in (request.api_key_id, by.key_id) if pk is not None}
    return sums.parties(
        sale=sale, at=at, phone=request.customer_phone, cashier=request.cashier, staff_ids=staff_ids, key_ids=key_ids
    )


def _asked_today(request: RefundRequest, at: datetime) -> int:
    """What of a stored request stands in its customer's sum of this day."""
    return request.amount_fen if sums.day_of(request.created_at) == sums.day_of(at) else 0


def _refunds_limit(sale: Sale, route: str) -> int | None:
    """How many refunds of the sale its channel takes; None where it is not the channel that pays."""
    return None if is_by_hand(route) else sale.profile.max_partials


def _own_claims(sale: Sale, request: RefundRequest, *, still_counted: bool) -> list[tuple[int, int, LineClaim]]:
    """The articles that a stored request gives back, judged anew with it."""
    lines = {line.id: line for line in sale.lines}
    claims = []
    for line_id, quantity in request.lines.values_list("line_id", "quantity"):
        line = lines[line_id]
        returnable = line.returnable + (quantity if still_counted else 0)
        value = line.amount_fen * quantity // line.quantity
        claim = LineClaim(sku=line.sku, quantity=quantity, returnable=returnable, value_fen=value)
        claims.append((line_id, quantity, claim))
    return claims


def _choose_method(sale: Sale, amount_fen: int, other_refunds: int, at: datetime) -> MethodChoice:
    return choose_method(
        profile=sale.profile,
        amount_fen=amount_fen,
        paid_fen=sale.amount_fen,
        other_refunds=other_refunds,
        paid_at=sale.paid_at,
        at=at,
    )


def _find(draft: Draft, by: Principal, at: datetime) -> Sale:
    return find_sale(
        merchant_id=by.acting_for,
        at=at,
        transaction_id=draft.transaction_id,
        order_no=draft.order_no,
        store_ids=by.stores,
    )


def _claims(sale: Sale, lines: Sequence[tuple[str, int]]) -> list[tuple[int, int, LineClaim]]:
    """(sale line id, quantity, claim) per article, spread over the sale's lines of that article."""
    claims: list[tuple[int, int, LineClaim]] = []
    errors: list[FieldError] = []
    for sku, wanted in Counter({sku: 0 for sku, _ in lines}).items():
        wanted = sum(quantity for other, quantity in lines if other == sku)
        matching = [line for line in sale.lines if line.sku == sku]
        if not matching:
            errors.append(FieldError("lines", "unknown_article", f"the sale has no article {sku}"))
            continue
        for number, line in enumerate(matching):
            last = number == len(matching) - 1
            quantity = wanted if last else min(wanted, line.returnable)
            if quantity:
                value = line.amount_fen * quantity // line.quantity
                claim = LineClaim(sku=sku, quantity=quantity, returnable=line.returnable, value_fen=value)
                claims.append((line.id, quantity, claim))
            wanted -= quantity
    if errors:
        raise Invalid("the lines name articles that the sale does not have", code="unknown_article", errors=errors)
    return claims


def _judge(
    sale: Sale,
    draft: Draft,
    claims: Sequence[tuple[int, int, LineClaim]],
    at: datetime,
    standing: Standing,
    own_fen: int = 0,
    again: RefundRequest | None = None,
) -> Verdict:
    """The verdict; ``again`` is the stored request that is judged anew, and ``own_fen`` what it still holds of the sale."""
    facts = Facts(
        at=at,
        amount_fen=draft.amount_fen,
        reason=draft.reason,
        route=draft.route,
        consent=draft.customer_consent,
        paid_fen=sale.amount_fen,
        refundable_fen=sale.refundable_fen + own_fen,
        paid=sale.status == "success",
        paid_at=sale.paid_at,
        funding=sale.funding,
        has_channel=sale.channel_account_id is not None,
        original_failed=again is not None and _original_failed(again),
        on_this_route_fen=(
            sums.on_route_fen(transaction_id=sale.id, route=draft.route, but=None if again is None else again.pk)
            if sale.refunds
            else 0
        ),
        channel_window_days=sale.profile.window_days,
        channel_max_refunds=sale.profile.max_partials,
        refunds_so_far=sale.refunds - bool(own_fen),
        terminal_enabled=sale.refunds_enabled,
        claims=[claim for _, _, claim in claims],
        sums=standing,
    )
    rules = policies.rules_of(sale.policy_version_id)
    return policy.judge(facts=facts, rules=rules, policy_version=sale.policy_number)


def _refuse_hard_limits(verdict: Verdict) -> None:
    if verdict.decision is not Decision.REFUSE:
        return
    first = next(rule for rule in verdict.rules if rule.hard and not rule.passed)
    code = {"refundable_balance": "exceeds_refundable", "article_quantity": "exceeds_quantity"}.get(
        first.code, first.code
    )
    raise PolicyRefused("a hard limit stands against this refund", code=code, verdict=verdict)


def _build(sale: Sale, draft: Draft, verdict: Verdict, by: Principal, at: datetime) -> RefundRequest:
    phone_hash, last4_hash = phone_hashes(draft.customer.phone)
    return RefundRequest(
        id=uuid7(),
        number=f"RF-{at.astimezone(SHANGHAI):%y%m%d}-{sale.next_number:04d}",
        merchant_id=sale.merchant_id,
        store_id=sale.store_id,
        transaction_id=sale.id,
        terminal_id=sale.terminal_id,
        channel=sale.channel,
        kind=policy.KIND_OF_REASON[draft.reason],
        reason=draft.reason,
        description=draft.description,
        route=draft.route,
        amount_fen=draft.amount_fen,
        reserved_fen=draft.amount_fen,
        policy_version_id=sale.policy_version_id,
        verdict=verdict.as_json(),
        tier=verdict.tier,
        staff_id=by.staff_id,
        api_key_id=by.key_id,
        cashier=draft.cashier or sale.cashier,
        customer_name=draft.customer.name,
        customer_phone=draft.customer.phone,
        customer_phone_hash=phone_hash,
        customer_phone_last4_hash=last4_hash,
        customer_email=draft.customer.email,
        customer_locale=draft.customer.locale,
        customer_consent=draft.customer_consent,
        due_at=verdict.due_at,
        created_at=at,
        updated_at=at,
    )


def _first_changes(request: RefundRequest, verdict: Verdict, by: Principal, at: datetime) -> list[AuditEvent]:
    submitted = event(
        merchant_id=request.merchant_id,
        by=by.actor,
        action="refund.submit",
        object_type="refund_request",
        object_id=request.pk,
        at=at,
        to_state=request.state,
        version=request.version,
        data={"amount_fen": request.amount_fen, "reason": request.reason, "route": request.route},
    )
    moves = [
        Move(request.pk, "verify", POLICY, at),
        Move(request.pk, _next_after(verdict), POLICY, at, data=_judged(verdict)),
    ]
    return [submitted, *(lifecycle.take_edge(request, move) for move in moves)]


def _next_after(verdict: Verdict) -> str:
    return "approve_by_rule" if verdict.decision is Decision.APPROVE else "ask_review"


def _judged(verdict: Verdict) -> dict[str, Any]:
    failed = [rule.code for rule in verdict.rules if not rule.passed]
    return {"decision": verdict.decision.value, "policy_version": verdict.policy_version, "not_passed": failed}
