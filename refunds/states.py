"""Every state of a refund request, who owes the next move in it, and every edge between states.

This page is the truth: the state machine on the model, the database trigger, ``docs/states.md`` and the tests are all made
from it or held against it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class State(TextChoices):
    SUBMITTED = "submitted", _("Submitted")
    VERIFYING = "verifying", _("Verifying")
    NEEDS_INFO = "needs_info", _("More information needed")
    WAITING_GOODS = "waiting_goods", _("Waiting for the goods")
    WAITING_VENDOR = "waiting_vendor", _("Waiting for the provider")
    IN_REVIEW = "in_review", _("In review")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    CANCELLED = "cancelled", _("Cancelled")
    EXECUTING = "executing", _("Being paid out")
    UNKNOWN = "unknown", _("Outcome unknown")
    MANUAL_PENDING = "manual_pending", _("Manual payout pending")
    FAILED = "failed", _("Payout failed")
    PARTIALLY_REFUNDED = "partially_refunded", _("Partly refunded")
    REFUNDED = "refunded", _("Refunded")
    FOLLOW_UP = "follow_up", _("Follow-up")
    CLOSED = "closed", _("Closed")


class Owner(StrEnum):
    """Who owes the next move."""

    CUSTOMER = "customer"
    STAFF = "staff"
    SYSTEM = "system"
    CHANNEL = "channel"
    NOBODY = "nobody"


OWNER: dict[State, Owner] = {
    State.SUBMITTED: Owner.SYSTEM,
    State.VERIFYING: Owner.SYSTEM,
    State.NEEDS_INFO: Owner.CUSTOMER,
    State.WAITING_GOODS: Owner.CUSTOMER,
    State.WAITING_VENDOR: Owner.STAFF,
    State.IN_REVIEW: Owner.STAFF,
    State.APPROVED: Owner.SYSTEM,
    State.REJECTED: Owner.NOBODY,
    State.CANCELLED: Owner.NOBODY,
    State.EXECUTING: Owner.CHANNEL,
    State.UNKNOWN: Owner.SYSTEM,
    State.MANUAL_PENDING: Owner.STAFF,
    State.FAILED: Owner.STAFF,
    State.PARTIALLY_REFUNDED: Owner.SYSTEM,
    State.REFUNDED: Owner.SYSTEM,
    State.FOLLOW_UP: Owner.SYSTEM,
    State.CLOSED: Owner.NOBODY,
}

#: Passed through within one commit, never stored: a stored request has always been judged. A CHECK sees to it.
IN_TRANSIT = (State.SUBMITTED,)

#: Where the request's amount no longer counts against the sale.
RELEASED = (State.CANCELLED, State.FAILED, State.REJECTED)

#: Where the money is proven to have moved.
PAID = (State.CLOSED, State.FOLLOW_UP, State.REFUNDED)

#: States a reviewer's desk shows as work.
OPEN_FOR_REVIEW = (State.IN_REVIEW, State.NEEDS_INFO)

#: From submission to here the handling clock runs.
UNDECIDED = (
    *(State.SUBMITTED, State.VERIFYING, State.NEEDS_INFO, State.WAITING_GOODS, State.WAITING_VENDOR),
    State.IN_REVIEW,
)


@dataclass(frozen=True, slots=True)
class Edge:
    """``transition`` is the method on ``RefundRequest`` that leads from any of ``sources`` to ``target``."""

    transition: str
    sources: tuple[State, ...]
    target: State
    meaning: str


EDGES: tuple[Edge, ...] = (
    Edge("verify", (State.SUBMITTED,), State.VERIFYING, "the sale was found and its amount reserved"),
    Edge("ask_review", (State.VERIFYING,), State.IN_REVIEW, "the policy wants a person to look"),
    Edge("approve_by_rule", (State.VERIFYING,), State.APPROVED, "small, clear and simple: the policy approves"),
    Edge("approve", (State.IN_REVIEW,), State.APPROVED, "a reviewer of the right tier approves"),
    Edge("reject", (State.IN_REVIEW,), State.REJECTED, "a reviewer rejects, with a coded reason"),
    Edge("request_info", (State.IN_REVIEW,), State.NEEDS_INFO, "something is missing; the clock pauses"),
    Edge(
        "ask_goods",
        (State.VERIFYING, State.IN_REVIEW),
        State.WAITING_GOODS,
        "the goods are to come back first; the clock pauses",
    ),
    Edge(
        "receive_goods",
        (State.WAITING_GOODS,),
        State.WAITING_GOODS,
        "the goods are there; the clock goes on until somebody has looked at them",
    ),
    Edge(
        "judge_goods",
        (State.WAITING_GOODS,),
        State.VERIFYING,
        "the goods were inspected, did not come in time or are not needed; judged again",
    ),
    Edge(
        "ask_vendor",
        (State.IN_REVIEW,),
        State.WAITING_VENDOR,
        "the provider of what failed is asked; the clock runs on",
    ),
    Edge(
        "vendor_answers",
        (State.WAITING_VENDOR,),
        State.IN_REVIEW,
        "the provider answered, or the time is up: a person decides",
    ),
    Edge("offer", (State.IN_REVIEW,), State.IN_REVIEW, "the customer is offered an exchange or a second delivery"),
    Edge("extend", (State.IN_REVIEW,), State.IN_REVIEW, "the customer agrees to wait longer; the clock has a new end"),
    Edge(
        "resubmit",
        (State.NEEDS_INFO, State.FAILED, State.REJECTED),
        State.VERIFYING,
        "sent in again with what was missing or wrong",
    ),
    Edge(
        "cancel",
        (
            *(State.VERIFYING, State.NEEDS_INFO, State.WAITING_GOODS, State.WAITING_VENDOR),
            *(State.IN_REVIEW, State.APPROVED),
        ),
        State.CANCELLED,
        "withdrawn before anything was sent to the channel",
    ),
    Edge("start_execution", (State.APPROVED,), State.EXECUTING, "a worker holds it and its number is stored"),
    Edge("lose_sight", (State.EXECUTING,), State.UNKNOWN, "the channel's answer did not come or proves nothing"),
    Edge("regain_sight", (State.UNKNOWN,), State.EXECUTING, "the channel says that it is working on it"),
    Edge("hand_over", (State.EXECUTING, State.UNKNOWN), State.MANUAL_PENDING, "a person pays it back by hand"),
    Edge(
        "pay_part",
        (State.EXECUTING, State.UNKNOWN, State.MANUAL_PENDING, State.PARTIALLY_REFUNDED),
        State.PARTIALLY_REFUNDED,
        "a leg is proven paid, and others are not yet",
    ),
    Edge(
        "renew_leg",
        (State.PARTIALLY_REFUNDED,),
        State.PARTIALLY_REFUNDED,
        "a failed leg goes out again, or by another route",
    ),
    Edge(
        "give_up_leg",
        (State.PARTIALLY_REFUNDED,),
        State.PARTIALLY_REFUNDED,
        "a failed leg is given up and its amount free again; others go on",
    ),
    Edge(
        "give_up_rest",
        (State.PARTIALLY_REFUNDED,),
        State.REFUNDED,
        "the last leg that was not paid is given up; what was paid stands",
    ),
    Edge(
        "succeed",
        (State.EXECUTING, State.UNKNOWN, State.MANUAL_PENDING, State.PARTIALLY_REFUNDED),
        State.REFUNDED,
        "the channel, or who paid by hand, proves that the money moved",
    ),
    Edge(
        "fail",
        (State.EXECUTING, State.UNKNOWN, State.MANUAL_PENDING),
        State.FAILED,
        "the channel proves that it will not move, or it could not be paid by hand",
    ),
    Edge("retry", (State.FAILED,), State.APPROVED, "the cause is mended; the same refund goes out again"),
    Edge(
        "prove_paid",
        (
            *(State.FAILED, State.APPROVED, State.IN_REVIEW, State.NEEDS_INFO, State.WAITING_GOODS),
            *(State.WAITING_VENDOR, State.REJECTED, State.CANCELLED),
        ),
        State.REFUNDED,
        "finance believes the channel's late word that it had paid what it called refused",
    ),
    Edge("close_against", (State.FAILED,), State.CANCELLED, "another refund, made in the channel's portal, covers it"),
    Edge("begin_follow_up", (State.REFUNDED,), State.FOLLOW_UP, "the customer is asked how it went"),
    Edge("close", (State.FOLLOW_UP,), State.CLOSED, "answered, or nothing more came"),
)


def allowed_moves() -> Iterator[tuple[State, State]]:
    """Every (from, to) pair, for the trigger and the invariants."""
    for edge in EDGES:
        for source in edge.sources:
            yield source, edge.target


def edge(transition: str) -> Edge:
    """The edge that a transition method takes. Raises ``KeyError`` for an unknown name."""
    return _BY_TRANSITION[transition]


_BY_TRANSITION = {item.transition: item for item in EDGES}


class Reason(TextChoices):
    """Why money is asked back."""

    QUALITY = "quality", _("Quality problem")
    NOT_AS_DESCRIBED = "not_as_described", _("Not as described")
    SERVICE_FAILURE = "service_failure", _("Service failure")
    PRICE_ADJUSTMENT = "price_adjustment", _("Price adjustment")
    WRONG_AMOUNT = "wrong_amount", _("Wrong amount")
    DUPLICATE_CHARGE = "duplicate_charge", _("Charged twice")
    SYSTEM_FAULT = "system_fault", _("System fault")
    NETWORK_FAULT = "network_fault", _("Network fault")
    OPERATOR_ERROR = "operator_error", _("Operator error")
    CUSTOMER_CANCELLED = "customer_cancelled", _("Customer cancelled")
    DEPOSIT = "deposit", _("Deposit")
    NO_REASON = "no_reason", _("Changed their mind")
    GOODWILL = "goodwill", _("Goodwill")


class Route(TextChoices):
    """How the money goes back."""

    ORIGINAL = "original", _("Original payment method")
    BANK_TRANSFER = "bank_transfer", _("Bank transfer")
    CASH = "cash", _("Cash")
    STORE_CREDIT = "store_credit", _("Store credit")


#: Where a person pays back: the adapters of ``payment_channels.manual``.
BY_HAND = frozenset({Route.BANK_TRANSFER, Route.CASH, Route.STORE_CREDIT})


class HandTrouble(TextChoices):
    """Why a payout by hand could not be made."""

    PAYEE_WRONG = "payee_wrong", _("The bank account does not exist, or is somebody else's")
    NOT_COLLECTED = "not_collected", _("The customer did not come for it")
    NO_MEANS = "no_means", _("The till or the account has too little money")
    OTHER_WAY = "other_way", _("The customer wants it another way")
    PAID_MEANWHILE = "paid_meanwhile", _("The channel has paid it meanwhile: nobody pays it by hand any more")


class RejectReason(TextChoices):
    """A rejection needs a coded reason; the customer reads the label."""

    OUTSIDE_WINDOW = "outside_window", _("Asked for after the agreed period")
    GOODS_USED = "goods_used", _("The goods were used or damaged by use")
    NO_PROOF = "no_proof", _("The proof of purchase or of the fault is missing")
    NOT_COVERED = "not_covered", _("The reason is not covered by the refund rules")
    ALREADY_SOLVED = "already_solved", _("Already exchanged, repaired or compensated")
    SUSPECTED_ABUSE = "suspected_abuse", _("The request could not be confirmed")


class ExecutionState(TextChoices):
    """Where one payout through a channel stands."""

    READY = "ready", _("Ready to send")
    SENDING = "sending", _("Being sent")
    PROCESSING = "processing", _("Accepted by the channel")
    UNKNOWN = "unknown", _("Outcome unknown")
    HELD = "held", _("Held: goes on by itself")
    SUCCEEDED = "succeeded", _("Paid")
    FAILED = "failed", _("Refused")
    CANCELLED = "cancelled", _("Cancelled before sending")


#: An execution at one of its ends wants no more attention by itself.
EXECUTION_ENDED = (ExecutionState.CANCELLED, ExecutionState.FAILED, ExecutionState.SUCCEEDED)

#: Every (from, to) pair of an execution; a trigger allows no other. A refused one may go out again under its own number
#: where the channel's rule says so; a paid or cancelled one never changes.
EXECUTION_MOVES: tuple[tuple[ExecutionState, ExecutionState], ...] = (
    (ExecutionState.READY, ExecutionState.SENDING),
    (ExecutionState.READY, ExecutionState.CANCELLED),
    (ExecutionState.FAILED, ExecutionState.READY),
    # Only by a person: the channel said so after its refusal.
    (ExecutionState.FAILED, ExecutionState.SUCCEEDED),
    *(
        (source, target)
        for source in (
            ExecutionState.SENDING,
            ExecutionState.PROCESSING,
            ExecutionState.UNKNOWN,
            ExecutionState.HELD,
        )
        for target in (
            ExecutionState.SENDING,
            ExecutionState.PROCESSING,
            ExecutionState.UNKNOWN,
            ExecutionState.HELD,
            ExecutionState.SUCCEEDED,
            ExecutionState.FAILED,
        )
        if source != target
    ),
)
