"""Writing the sample data down through the doors that real refunds go through, at the times they tell of.

Requests are taken in by the real intake and judged by the real policy. What happened since goes through ``advance_many``, fifty
requests at a time, so that ninety days take seconds. Messages of the past are stored as sent: nobody is written to today
about last month.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db.models import F

from core.audit.actors import CUSTOMER, SYSTEM, Actor, channel
from core.audit.models import AuditEvent
from core.audit.record import event
from core.personal_data import mask_email, mask_phone
from merchants import policies, principals
from merchants.models import Role, Staff
from refunds import lifecycle
from refunds.follow_up.survey import CLOSE_AFTER
from refunds.intake import submitting
from refunds.intake.building import Submission
from refunds.intake.claims import Customer, Draft
from refunds.lifecycle import Move
from refunds.models import Approval, Execution, Notification, OutboxMessage, RefundRequest, Survey
from refunds.models.approval import Decision
from refunds.models.execution import new_execution
from refunds.models.notification import Medium, NotificationState
from refunds.models.outbox import OutboxState
from refunds.payouts import FOLLOW_UP_AFTER, ledger
from refunds.review import deciding
from refunds.rules.method import choose_method
from refunds.states import ExecutionState, State
from refunds.telling.wording import NOTIFIED
from samples.demo import by_hand
from samples.demo.merchants import House
from samples.demo.story import Ending, PlannedSale, Story
from terminals.bulk import NewSale, store_sales

SOURCE = "demo"
_CHUNK = 50
#: From the decision to the moment the payout is sent.
_PICKED_UP = timedelta(milliseconds=400)
#: From the first approval to the second.
_SECOND_AFTER = timedelta(seconds=20)


@dataclass(slots=True)
class Told:
    """A story with the rows it became so far."""

    story: Story
    request: RefundRequest
    execution: Execution | None
    decider: Staff
    #: Who approved first, where two had to; else nobody.
    first: Staff | None = None

    @property
    def paid(self) -> bool:
        """Small and clear ones were approved by rule before anybody could reject them."""
        return self.request.by_rule or self.story.ending is Ending.PAID

    @property
    def decided_at(self) -> datetime:
        return self.story.at if self.request.by_rule else self.story.at + self.story.decided_after

    @property
    def succeeded_at(self) -> datetime:
        return self.decided_at + _PICKED_UP + self.story.paid_after


def store_planned_sales(house: House, sales: Iterable[PlannedSale], *, now: datetime) -> int:
    """Store the plan's sales. Returns how many."""
    return store_sales((_new_sale(house, sale) for sale in sales), source=SOURCE, at=now)


def _new_sale(house: House, sale: PlannedSale) -> NewSale:
    return NewSale(
        id=sale.id,
        merchant_id=house.merchant.pk,
        store_id=house.stores[sale.store].pk,
        terminal_id=house.terminals[sale.store, sale.terminal].pk,
        channel_account_id=house.accounts[sale.channel].pk if sale.channel in house.accounts else None,
        channel=sale.channel,
        order_no=sale.order_no,
        channel_transaction_no=sale.channel_transaction_no,
        amount_fen=sale.amount_fen,
        paid_at=sale.paid_at,
        cashier=sale.cashier,
        payer_phone=sale.phone,
        card_last4=sale.card_last4,
        funding=sale.funding,
        lines=sale.lines,
    )


def tell(house: House, stories: Iterable[Story], *, now: datetime) -> list[Told]:
    """Take every story to where it stands now, in order of submission."""
    told: list[Told] = []
    remaining: Iterator[Story] = iter(sorted(stories, key=lambda story: story.at))
    while chunk := [_submitted(house, story) for story in islice(remaining, _CHUNK)]:
        for take in (_decide, _start, _succeed, _follow_up, _close):
            take(house, chunk, now)
        _rate(chunk, now)
        told += chunk
    ledger.post_missing()
    for one in told:
        _put_on_the_desk(house, one)
    _tell_customers(told)
    return told


# --- submission -----------------------------------------------------------------------------------------------------


def _submitted(house: House, story: Story) -> Told:
    by = principals.of_staff(house.cashier) if story.by_cashier else house.tills
    draft = Draft(
        amount_fen=story.amount_fen,
        reason=story.reason,
        transaction_id=None if story.of_order else story.sale.id,
        order_no=story.sale.order_no if story.of_order else "",
        description=story.description,
        lines=story.lines,
        customer=Customer(name=story.name, phone=story.phone, email=story.email),
        customer_consent=True,
        route=story.route,
        payee=by_hand.account_of(story),
    )
    payouts: list[Execution] = []

    def keep_payout(submission: Submission) -> None:
        """The payout of a refund that is over is stored as it ended."""
        payouts.extend(submission.executions)
        submission.executions = ()

    request = submitting.submit(draft=draft, by=by, at=story.at, before_commit=keep_payout).request
    return Told(story, request, payouts[-1] if payouts else None, *_deciders(house, request, story.desk))


def _deciders(house: House, request: RefundRequest, desk: int) -> tuple[Staff, Staff | None]:
    """Mostly a reviewer, sometimes the manager; above the reviewers' limit whoever may. And a colleague, where two approve."""
    rules = policies.rules_of(request.policy_version_id)
    able = house.deciders(next(one for one in rules.tiers_in("") if one.name == request.tier).roles)
    reviewers = [one for one in able if one.role == Role.REVIEWER]
    chosen = reviewers if reviewers and desk % 10 else able
    decider = chosen[desk % len(chosen)]
    two = request.verdict["approvers"] > 1
    return decider, next(one for one in able if one != decider) if two else None


# --- what happened since --------------------------------------------------------------------------------------------


def _decide(_house: House, chunk: Sequence[Told], now: datetime) -> None:
    waiting = [one for one in chunk if not one.request.by_rule and one.decided_at <= now]
    approved = [one for one in waiting if one.story.ending is Ending.PAID]
    rejected = [one for one in waiting if one.story.ending is Ending.REJECTED]
    cancelled = [one for one in waiting if one.story.ending is Ending.CANCELLED]
    _approve_first(approved)
    _advance(
        approved,
        lambda one: Move(
            one.request.pk,
            "approve",
            one.decider.actor,
            one.decided_at,
            arguments={"amount_fen": one.story.amount_fen},
            data={"amount_fen": one.story.amount_fen, "note": "", "tier": one.request.tier},
        ),
    )
    _advance(
        rejected,
        lambda one: Move(
            one.request.pk,
            "reject",
            one.decider.actor,
            one.decided_at,
            arguments={"reason": one.story.code, "message": one.story.message},
            data={"reason": one.story.code, "note": ""},
        ),
    )
    _advance(
        cancelled,
        lambda one: Move(one.request.pk, "cancel", CUSTOMER, one.decided_at, arguments={"message": "您已撤回申请。"}),
    )
    Approval.objects.bulk_create(
        [
            *(_decision(one, Decision.APPROVE, amount_fen=one.story.amount_fen) for one in approved),
            *(_decision(one, Decision.REJECT, reason=one.story.code) for one in rejected),
        ]
    )


def _approve_first(approved: Sequence[Told]) -> None:
    """The first of two approvals, a little before the second, at the version that it was of."""
    firsts = [(one, one.first, one.decided_at - _SECOND_AFTER) for one in approved if one.first is not None]
    for one, first, at in firsts:
        told = {"amount_fen": one.story.amount_fen, "note": "", "tier": one.request.tier}
        lifecycle.record_act(one.request, "refund.approve_first", by=first.actor, at=at, data=told)
    Approval.objects.bulk_create(
        [
            Approval(
                request=one.request,
                staff=first,
                decision=Decision.APPROVE,
                tier=one.request.tier,
                role=first.role,
                amount_fen=one.story.amount_fen,
                version=one.request.version,
                at=at,
                needed=2,
                lapses_at=at + timedelta(days=1),
            )
            for one, first, at in firsts
        ]
    )


def _decision(one: Told, decision: Decision, *, amount_fen: int | None = None, reason: str = "") -> Approval:
    return Approval(
        request=one.request,
        staff=one.decider,
        decision=decision,
        tier=one.request.tier,
        role=one.decider.role,
        amount_fen=amount_fen,
        reason=reason,
        version=one.request.version,
        at=one.decided_at,
        needed=2 if one.first is not None and decision == Decision.APPROVE else 1,
    )


def _start(house: House, chunk: Sequence[Told], now: datetime) -> None:
    paid = [one for one in chunk if one.paid and one.succeeded_at <= now]
    for one in paid:
        if one.execution is None:
            one.execution = _payout(house, one)
    _advance(paid, _move("start_execution", SYSTEM, lambda one: one.decided_at + _PICKED_UP, _refund_no))


def _payout(house: House, one: Told) -> Execution:
    account, sale = house.accounts[one.story.sale.channel], one.story.sale
    choice = choose_method(
        profile=account.profile,
        amount_fen=one.story.amount_fen,
        paid_fen=sale.amount_fen,
        other_refunds=0,
        paid_at=sale.paid_at,
        at=one.decided_at,
    )
    return new_execution(one.request, channel_account_id=account.pk, choice=choice, at=one.decided_at)


def _succeed(_house: House, chunk: Sequence[Told], now: datetime) -> None:
    paid = [one for one in chunk if one.request.state == State.EXECUTING]
    Execution.objects.bulk_create([_ended(one) for one in paid])
    _advance(
        paid,
        lambda one: Move(
            one.request.pk,
            "succeed",
            channel(one.request.channel),
            one.succeeded_at,
            arguments={"succeeded_at": one.succeeded_at, "follow_up_at": one.succeeded_at + FOLLOW_UP_AFTER},
            data={**_refund_no(one), "source": SOURCE, "amount_fen": one.story.amount_fen},
        ),
    )


def _ended(one: Told) -> Execution:
    """The payout as it would stand today. Its proof says that it is made up."""
    execution = one.execution
    assert execution is not None
    digits = "".join(filter(str.isdecimal, one.request.number))
    execution.state = ExecutionState.SUCCEEDED
    execution.sends = 1
    execution.first_sent_at = execution.last_asked_at = one.decided_at + _PICKED_UP
    execution.channel_refund_no = f"5030{one.request.merchant_id:04d}{digits:0>20}"
    execution.received_account = _received(one.story.sale)
    execution.succeeded_at = execution.ended_at = one.succeeded_at
    execution.due_at = None
    execution.proof = f'{{"source":"{SOURCE}","note":"sample data: no channel was asked"}}'
    execution.proof_source = SOURCE
    return execution


def _received(sale: PlannedSale) -> str:
    if sale.funding == "balance":
        return "支付用户零钱"
    return f"招商银行卡{sale.card_last4}" if sale.card_last4 else "花呗"


def _follow_up(_house: House, chunk: Sequence[Told], now: datetime) -> None:
    _advance(
        [one for one in chunk if one.request.state == State.REFUNDED and one.succeeded_at + FOLLOW_UP_AFTER <= now],
        lambda one: Move(
            one.request.pk,
            "begin_follow_up",
            SYSTEM,
            one.succeeded_at + FOLLOW_UP_AFTER,
            arguments={"close_at": one.succeeded_at + FOLLOW_UP_AFTER + CLOSE_AFTER},
        ),
    )


def _close(_house: House, chunk: Sequence[Told], now: datetime) -> None:
    waited = FOLLOW_UP_AFTER + CLOSE_AFTER
    over = [one for one in chunk if one.request.state == State.FOLLOW_UP and one.succeeded_at + waited <= now]
    _advance(over, _move("close", SYSTEM, lambda one: one.succeeded_at + waited))


def _rate(chunk: Sequence[Told], now: datetime) -> None:
    answers = [
        (one, one.succeeded_at + timedelta(minutes=15 + one.story.desk % 900))
        for one in chunk
        if one.story.score and one.request.succeeded_at is not None
    ]
    given = [(one, at) for one, at in answers if at <= now]
    Survey.objects.bulk_create(
        [Survey(request=one.request, score=one.story.score, comment=one.story.comment, at=at) for one, at in given]
    )
    AuditEvent.objects.bulk_create(
        [
            event(
                merchant_id=one.request.merchant_id,
                by=CUSTOMER,
                action="refund.rated",
                object_type="refund_request",
                object_id=one.request.pk,
                at=at,
                data={"score": one.story.score},
            )
            for one, at in given
        ]
    )


def _advance(chosen: Sequence[Told], move: Callable[[Told], Move]) -> None:
    for one, request in zip(chosen, lifecycle.advance_many([move(one) for one in chosen]), strict=True):
        one.request = request


def _move(
    transition: str,
    by: Actor,
    at: Callable[[Told], datetime],
    data: Callable[[Told], Mapping[str, Any]] = lambda _: {},
) -> Callable[[Told], Move]:
    return lambda one: Move(one.request.pk, transition, by, at(one), data=data(one))


def _refund_no(one: Told) -> dict[str, Any]:
    return {"refund_no": one.execution.refund_no if one.execution else ""}


# --- the day in progress --------------------------------------------------------------------------------------------


def _put_on_the_desk(house: House, one: Told) -> None:
    """Where a person has done something that did not end the request: the desk's own functions."""
    story, request = one.story, one.request
    if request.state != State.IN_REVIEW:
        return
    by = principals.of_staff(one.decider)
    if story.ending is Ending.CLAIMED:
        deciding.claim(request_id=request.pk, by=by, at=story.at + story.decided_after)
    elif story.ending is Ending.NEEDS_INFO:
        one.request = deciding.request_info(
            request_id=request.pk,
            by=by,
            at=one.decided_at,
            version=request.version,
            message=story.message,
        )
    elif story.ending is Ending.APPROVED:
        one.request = by_hand.approve(request, decider=one.decider, first=one.first, at=one.decided_at)
    elif story.ending in (Ending.BY_HAND, Ending.PAID_BY_HAND):
        one.request = by_hand.tell(
            house, story, request, decider=one.decider, first=one.first, decided_at=one.decided_at
        )


# --- messages -------------------------------------------------------------------------------------------------------


def _tell_customers(told: Sequence[Told]) -> None:
    """Past changes were told in the past; only what is on its way to the channel still has something to tell."""
    by_id = {one.request.pk: one for one in told}
    on_their_way = [one.request.pk for one in told if one.story.ending is Ending.APPROVED]
    past = OutboxMessage.objects.filter(request_id__in=by_id, state=OutboxState.PENDING).exclude(
        request_id__in=on_their_way, topic=f"refund_request.{State.APPROVED}"
    )
    messages = [
        message
        for row in past.order_by("pk")
        if row.topic.removeprefix("refund_request.") in NOTIFIED
        for message in _sent(by_id[row.request_id], row)
    ]
    Notification.objects.bulk_create(messages, batch_size=500)
    past.update(state=OutboxState.DELIVERED, delivered_at=F("created_at"))


def _sent(one: Told, row: OutboxMessage) -> list[Notification]:
    recipients = (
        (Medium.EMAIL, one.story.email, mask_email(one.story.email)),
        (Medium.SMS, one.story.phone, mask_phone(one.story.phone)),
    )
    return [
        Notification(
            merchant_id=one.request.merchant_id,
            request_id=one.request.pk,
            event=row.topic.removeprefix("refund_request."),
            version=row.version,
            medium=medium,
            locale="zh-Hans",
            recipient=recipient,
            masked_recipient=masked,
            state=NotificationState.SENT,
            attempts=1,
            created_at=row.created_at,
            sent_at=row.created_at + timedelta(seconds=2),
            receipt=SOURCE,
        )
        for medium, recipient, masked in recipients
        if recipient
    ]
