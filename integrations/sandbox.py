"""A merchant's sandbox: a twin with the same stores and rules, the stand-ins for channels, and nothing of the merchant's data.

Whatever has a merchant is walled by it, and the twin is another one: live keys, pages, figures and feeds know nothing of what is
tried, and test keys nothing of what is real. No customer is ever sent anything from it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import QuerySet

from core import clock, tenant_wall
from core.audit.record import record
from core.errors import Conflict, Forbidden, Invalid, NotFound, existing
from integrations import feed, stand_ins
from integrations.stand_ins import Account, Control, StandInUnreachable
from merchants import api_keys, policies, principals
from merchants.models import ApiKey, KeyScope, Merchant, Role, Staff, Store
from merchants.principals import Principal, of_staff
from merchants.rights import Act, Subject, check_may
from refunds import queries
from refunds.intake import batches
from refunds.models import Execution, RefundRequest
from refunds.review import deciding
from refunds.states import ExecutionState, RejectReason, State
from terminals import reporting
from terminals.models import Terminal, Transaction
from terminals.reporting import ReportedSale

EVENT = "sandbox.event"
#: What a channel may be told to make of a payout that it works on -> as its stand-in calls it.
AT_CHANNEL = {"paid": "SUCCESS", "refused": "CLOSED", "stuck": "ABNORMAL"}
#: What people may be told to decide.
BY_PEOPLE = ("approved", "rejected", "needs_info")
OUTCOMES = (*BY_PEOPLE, *AT_CHANNEL)


class NoStandIns(Conflict, code="no_stand_ins"):
    """This installation runs no stand-ins, or they do not answer."""


class NothingToEnd(Conflict, code="nothing_to_end"):
    """The channel works on no payout of this refund."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPayment:
    """A sale to be made up; "" where it does not matter."""

    channel: str
    amount_fen: int
    order_no: str = ""
    store: str = ""
    phone: str = ""
    funding: str = ""


def of_merchant(merchant_id: int) -> Merchant | None:
    """The sandbox of a merchant, if it has one by now."""
    with tenant_wall.outside():
        return Merchant.objects.filter(sandbox_of_id=merchant_id).first()


def keys(*, by: Principal) -> QuerySet[ApiKey]:
    """The test keys that work, the newest first; to be read outside of the wall."""
    check_may(Act.MANAGE_KEYS, by=by)
    rows = ApiKey.objects.filter(merchant__sandbox_of_id=by.acting_for, revoked_at=None).defer("signing_secret")
    return rows.order_by("-pk") if by.stores is None else rows.none()


def issue(
    *, name: str, by: Principal, at: datetime, before_commit: Callable[[ApiKey], None] | None = None
) -> tuple[ApiKey, str]:
    """A test key of every scope, and the sandbox for it: made with the first key, and with each brought up to the stores and
    rules that the merchant has now. Returns the row and the key, which is seen this once. Raises ``Forbidden`` or ``NoStandIns``.
    """
    check_may(Act.MANAGE_KEYS, by=by, subject=Subject(merchant_id=by.acting_for, store_id=None))
    accounts = _accounts()
    with tenant_wall.outside(), transaction.atomic():
        twin = _up_to_date(by.acting_for, by=by, at=at)
        stand_ins.keep_accounts(twin, accounts)
        row, key, _ = api_keys.issue(
            merchant=twin,
            name=name.strip()[:80] or f"test {at:%Y-%m-%d}",
            scopes=KeyScope.values,
            by=in_sandbox(by, twin),
            at=at,
            all_stores=True,
        )
        if before_commit is not None:
            before_commit(row)
    return row, key


def revoke(*, key_id: int, by: Principal, at: datetime) -> None:
    """End a test key at once. Raises ``Forbidden`` or ``NotFound``."""
    with tenant_wall.outside():
        found = existing(keys(by=by).select_related("merchant").filter(pk=key_id).first(), "test key")
        api_keys.revoke(key=found, by=in_sandbox(by, found.merchant), at=at, typed_name=found.name)


def in_sandbox(by: Principal, twin: Merchant) -> Principal:
    """Who acts, for the twin: as a person they are known to their own merchant alone."""
    return replace(by, merchant_id=twin.pk, staff_id=None, person_id=None)


def _accounts() -> dict[str, Account]:
    if not settings.STAND_INS_DIR:
        raise NoStandIns("STAND_INS_DIR is not set")
    try:
        return stand_ins.accounts_in(Path(settings.STAND_INS_DIR))
    except StandInUnreachable as error:
        raise NoStandIns(str(error)) from error


def _up_to_date(merchant_id: int, *, by: Principal, at: datetime) -> Merchant:
    own = Merchant.objects.select_for_update(of=("self",), no_key=True).get(pk=merchant_id)
    twin = Merchant.objects.filter(sandbox_of=own).first()
    if twin is None:
        twin = Merchant.objects.create(
            code=f"test-{own.pk}", name=own.name, kind=own.kind, created_at=at, sandbox_of=own
        )
        # Whom ``decide`` decides for: two, for what takes two. Nobody can sign in as one of them.
        Staff.objects.bulk_create(
            Staff(
                merchant=twin,
                username=f"sandbox-{twin.pk}-{number}",
                name=f"Sandbox {number}",
                role=Role.OWNER,
                all_stores=True,
                created_at=at,
                password=make_password(None),
            )
            for number in (1, 2)
        )
        record(merchant_id=own.pk, by=by.actor, action="sandbox.open", object_type="merchant", object_id=twin.pk, at=at)
    have = set(Store.objects.filter(merchant=twin).values_list("code", flat=True))
    for store in Store.objects.filter(merchant=own, closed_at=None).exclude(code__in=have).order_by("pk"):
        tills = list(Terminal.objects.filter(store=store).values_list("code", flat=True))
        store.pk, store._state.adding, store.merchant, store.keys_stopped_at = None, True, twin, None
        store.save(force_insert=True)
        Terminal.objects.bulk_create(Terminal(store=store, code=code) for code in tills)
    wanted = own.policy_versions.filter(effective_from__lte=at).order_by("-effective_from", "-number").first()
    there = twin.policy_versions.order_by("-number").first()
    if wanted is not None and (there is None or (there.rules, there.guides) != (wanted.rules, wanted.guides)):
        policies.publish(
            merchant=twin, name=wanted.name, rules=wanted.rules, guides=wanted.guides, by=principals.SYSTEM, at=at
        )
    return twin


# --- what test keys may do besides ----------------------------------------------------------------------------------------


def check_test(by: Principal) -> None:
    """Raise ``Forbidden`` for whoever is no test key."""
    if not by.is_test:
        raise Forbidden("this is for test keys", code="test_key_required")


def pay(*, wanted: WantedPayment, by: Principal, at: datetime) -> Transaction:
    """Make up a sale that was just paid: the stand-in knows of it, and so does the sandbox. Raises ``Forbidden``, ``Invalid``
    or ``NoStandIns``.
    """
    check_test(by)
    check_may(Act.REPORT_SALE, by=by)
    number, order_no = f"{secrets.randbelow(10**28):028d}", wanted.order_no or f"T{uuid4().hex[:12].upper()}"
    if wanted.channel != "cash":
        # The stand-in lives in real time: there the sale was paid as long ago as it was here.
        paid_at = (at - clock.ahead()).isoformat(timespec="seconds")
        paid = {"order_no": order_no, "transaction_no": number, "amount_fen": wanted.amount_fen, "paid_at": paid_at}
        account = _accounts().get(wanted.channel)
        if account is None:
            raise NoStandIns("there is no stand-in of this channel")
        try:
            Control(account.control_url).seed([paid])
        except StandInUnreachable as error:
            raise NoStandIns(str(error)) from error
    store = wanted.store or Store.objects.filter(merchant_id=by.acting_for).order_by("code")[0].code
    sale = ReportedSale(
        order_no=order_no,
        channel=wanted.channel,
        channel_transaction_no=number,
        kind="sale",
        amount_fen=wanted.amount_fen,
        paid_at=at,
        store=store,
        terminal="",
        cashier="",
        payer_phone=wanted.phone,
        card_last4="",
        funding=wanted.funding,
        lines=(),
    )
    return reporting.report_sale(sale=sale, by=by, at=at)[0]


def decide(*, request_id: UUID, outcome: str, by: Principal, at: datetime) -> RefundRequest:
    """Have people or the channel do as ``outcome`` says, one of ``OUTCOMES``. Raises what they would be refused with, and
    ``NothingToEnd``.
    """
    check_test(by)
    check_may(Act.SUBMIT, by=by)
    request = queries.request_for(merchant_id=by.acting_for, request_id=request_id, store_ids=by.stores)
    if outcome in AT_CHANNEL:
        _end_at_channel(request, AT_CHANNEL[outcome])
        return request
    for person in Staff.objects.filter(merchant_id=by.acting_for).order_by("pk"):
        said: dict[str, Any] = {"request_id": request_id, "by": of_staff(person), "at": at, "version": request.version}
        if outcome == "rejected":
            return deciding.reject(**said, reason=RejectReason.NOT_COVERED, message="")
        if outcome == "needs_info":
            return deciding.request_info(**said, message="sandbox")
        request = deciding.approve(**said, note="sandbox")
        if request.state != State.IN_REVIEW:
            break
    return request


def confirm_batch(*, batch_id: int, by: Principal, at: datetime, skip_bad: bool, window: timedelta) -> None:
    """Have one of the sandbox's people confirm a batch that this key filed. Raises what they would be refused with."""
    check_test(by)
    batches.find(batch_id=batch_id, by=by)
    person = Staff.objects.filter(merchant_id=by.acting_for).order_by("pk")[0]
    batches.confirm(batch_id=batch_id, by=of_staff(person), at=at, skip_bad=skip_bad, window=window)


def _end_at_channel(request: RefundRequest, outcome: str) -> None:
    open_at = (ExecutionState.SENDING, ExecutionState.PROCESSING, ExecutionState.UNKNOWN)
    accounts, ended = _accounts(), False
    for payout in Execution.objects.filter(request=request, state__in=open_at).select_related("channel_account"):
        account = accounts.get(payout.channel_account.channel)
        try:
            ended |= account is not None and Control(account.control_url).settle(
                refund_no=payout.refund_no, outcome=outcome
            )
        except StandInUnreachable as error:
            raise NoStandIns(str(error)) from error
    if not ended:
        raise NothingToEnd("the channel works on nothing of this refund", state=request.state)


def send_event(*, event_type: str, by: Principal, at: datetime) -> None:
    """Tell the feed and the webhooks of the sandbox an event of this type, about the newest thing that it could be about. Raises
    ``Forbidden``, ``Invalid`` or ``NotFound``.
    """
    check_test(by)
    check_may(Act.MANAGE_WEBHOOKS, by=by)
    if event_type not in feed.TYPES:
        raise Invalid("there is no event of this type", code="unknown_event_type")
    object_type, rows = _ABOUT.get(event_type.split(".")[0], ("", None))
    newest = None if rows is None else rows.filter(merchant_id=by.acting_for).order_by("-created_at").first()
    if newest is None:
        raise NotFound("the sandbox has nothing that this event could be about")
    record(
        merchant_id=by.acting_for,
        by=by.actor,
        action=EVENT,
        object_type=object_type,
        object_id=newest.pk,
        at=at,
        data={"type": event_type},
    )


_ABOUT = {
    "refund_request": (feed.REFUND, RefundRequest.objects.all()),
    "transaction": ("transaction", Transaction.objects.all()),
}
