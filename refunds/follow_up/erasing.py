"""Personal data at its end: erased when its term is over, or when the person asks for it (PIPL articles 19 and 47).

What is erased: names, phones, addresses, accounts and card ends of refunds and sales, recipients of messages, pictures and
papers, the customer's own words, and what people wrote about them. What stays: amounts, states, numbers, the ledger, the
channels' proofs, statements, and the audit trail, which holds no personal data: chain and figures are as before. What people
typed beside an act stands beside the trail and goes, too (core/audit/notes.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from core.audit import notes
from core.audit.record import record
from core.errors import Conflict, NotFound, wrong
from core.personal_data import phone_hashes
from core.phones import NotAPhone, phone_number
from core.plain_text import one_line
from merchants.models import Merchant
from merchants.principals import SYSTEM, Principal
from merchants.rights import Act, Subject, check_may
from refunds import lifecycle
from refunds.evidence import files
from refunds.facts import conditions
from refunds.models import (
    Agreement,
    Apology,
    Approval,
    CustomerReport,
    Evidence,
    ExchangeOffer,
    Execution,
    GoodsReturn,
    ImportFile,
    NoReceiptCase,
    Notification,
    Payee,
    RefundRequest,
    ReturnedTransfer,
    RunningSum,
    SecondLook,
    StaffNotice,
    Survey,
    WeChatConsent,
)
from refunds.states import State
from terminals.models import Deposit, Transaction

#: Days that somebody may choose. Three years are what the E-Commerce Law (article 31) asks of records of a sale.
LEAST_DAYS, MOST_DAYS, USUAL_DAYS = 180, 3650, 1095
#: In one transaction: few enough that nobody waits for them.
AT_ONCE = 500
_OVER = (State.CLOSED, State.REJECTED, State.CANCELLED)
#: What stands where the database wants something to stand.
_GONE = "-"


class RefundsUnderWay(Conflict):
    """Somebody whose refunds are not over is still to be paid or told."""

    code = "refunds_under_way"


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows had something to erase."""

    requests: int
    sales: int
    files: int


@transaction.atomic
def set_term(*, days: int, by: Principal, at: datetime) -> None:
    """How many days after a refund was asked for, or a sale was paid, its personal data is erased. Raises ``Forbidden`` or
    ``Invalid``.
    """
    check_may(Act.ERASE, by=by)
    check_may(Act.ERASE, by=by, subject=Subject(merchant_id=by.acting_for, store_id=None))
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise wrong("days", code="term_invalid")
    merchant = Merchant.objects.select_for_update(no_key=True).get(pk=by.acting_for)
    before, merchant.retention_days = merchant.retention_days, days
    merchant.save(update_fields=["retention_days"])
    _record("personal_data.retention", merchant.pk, by, at, before=before, after=days)


@transaction.atomic
def erase_person(*, phone: str, again: str, reason: str, by: Principal, at: datetime) -> Erased:
    """Everything of the person with this phone, as they asked; it cannot be taken back. ``again`` is the phone typed once more.

    Raises ``Forbidden``, ``Invalid``, ``NotFound`` where nothing is known of them, and ``RefundsUnderWay``.
    """
    check_may(Act.ERASE, by=by)
    check_may(Act.ERASE, by=by, subject=Subject(merchant_id=by.acting_for, store_id=None))
    try:
        number = phone_number(phone)
        if phone_number(again) != number:
            raise wrong("again", code="phones_differ")
    except NotAPhone as error:
        raise wrong("phone", code="invalid_phone") from error
    if not (reason := one_line(reason, limit=200)):
        raise wrong("reason", code="reason_required")
    person, _ = phone_hashes(number)
    sales = Transaction.objects.filter(merchant_id=by.acting_for, payer_phone_hash=person)
    asked = RefundRequest.objects.filter(merchant_id=by.acting_for).filter(
        Q(customer_phone_hash=person) | Q(transaction__in=sales.values("pk"))
    )
    requests = list(asked.values_list("pk", "state"))
    if not requests and not sales.exists():
        raise NotFound("nothing is known of this phone")
    if any(state not in _OVER for _, state in requests):
        raise RefundsUnderWay("a refund of theirs is not over")
    erased = _erase(by.acting_for, requests=asked.filter(pk__in=[pk for pk, _ in requests]), sales=sales, at=at)
    _record("personal_data.erase", by.acting_for, by, at, reason=reason, **_told(erased))
    return erased


@transaction.atomic
def erase_own(*, request_id: UUID, phone: str, by: Principal, at: datetime) -> Erased:
    """What a customer gave with this refund and its sale, as they asked behind its link; it cannot be taken back. ``phone`` is
    the one that they have shown to hold, "" for none: it takes the customer's, where one is known.

    Raises ``NotFound``, ``Forbidden``, ``PhoneNotShown``, or ``RefundsUnderWay`` while the refund, another of its sale or a case
    of theirs is open.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.ERASE_OWN, by=by, request=request)
    if (known := conditions.phone_to_show(request)) and phone != known:
        raise conditions.PhoneNotShown("a code to the customer's phone shows that it is they who ask")
    of_sale = RefundRequest.objects.filter(transaction_id=request.transaction_id).exclude(state__in=_OVER)
    cases = CustomerReport.objects.filter(request=request, due_at__isnull=False, closed_at=None)
    came_back = ReturnedTransfer.objects.filter(request=request, repaid_at=None)
    if request.state not in _OVER or of_sale.exists() or cases.exists() or came_back.exists():
        raise RefundsUnderWay("the refund is not over")
    erased = _erase(
        request.merchant_id,
        requests=RefundRequest.objects.filter(pk=request_id),
        sales=Transaction.objects.filter(pk=request.transaction_id),
        at=at,
    )
    lifecycle.record_act(request, "refund.erased", by=by.actor, at=at, data=_told(erased))
    return erased


def erase_expired(*, at: datetime) -> int:
    """Erase what is past its merchant's term, some at a time. Returns how many requests and sales had something to erase."""
    return sum(_erase_expired_of(merchant_id, at=at) for merchant_id in Merchant.objects.values_list("pk", flat=True))


def _erase_expired_of(merchant_id: int, *, at: datetime) -> int:
    erased = Erased(0, 0, 0)
    while (some := _erase_some(merchant_id, at=at)) is not None:
        erased = Erased(erased.requests + some.requests, erased.sales + some.sales, erased.files + some.files)
    if erased.requests or erased.sales:
        with transaction.atomic():
            _record("personal_data.erase", merchant_id, SYSTEM, at, reason="term", **_told(erased))
    return erased.requests + erased.sales


@transaction.atomic
def _erase_some(merchant_id: int, *, at: datetime) -> Erased | None:
    """The next of them; None: there are no more."""
    merchant = Merchant.objects.select_for_update(no_key=True).get(pk=merchant_id)
    until = at - timedelta(days=merchant.retention_days)
    since = merchant.erased_until
    open_ones = RefundRequest.objects.filter(merchant_id=merchant_id, created_at__lt=until).exclude(state__in=_OVER)
    sales = Transaction.objects.filter(merchant_id=merchant_id, paid_at__lt=until)
    requests = RefundRequest.objects.filter(merchant_id=merchant_id, created_at__lt=until, state__in=_OVER)
    if since is not None:
        sales, requests = sales.filter(paid_at__gte=since), requests.filter(created_at__gte=since)
    under_way = RefundRequest.objects.filter(transaction=OuterRef("pk")).exclude(state__in=_OVER)
    asked = list(requests.filter(_HAS_CUSTOMER).order_by("created_at").values_list("pk", flat=True)[:AT_ONCE])
    paid = list(
        sales.filter(_HAS_PAYER).exclude(Exists(under_way)).order_by("paid_at").values_list("pk", flat=True)[:AT_ONCE]
    )
    if not asked and not paid:
        RunningSum.objects.filter(merchant_id=merchant_id, kind="customer", day__lt=until.date()).delete()
        # What was still under way is looked at again.
        first_open = open_ones.order_by("created_at").values_list("transaction__paid_at", flat=True)[:AT_ONCE]
        merchant.erased_until = min([until, *first_open])
        merchant.save(update_fields=["erased_until"])
        notes.erase_before(until, merchant_id=merchant_id, but=open_ones.values_list("pk", flat=True), at=at)
        return None
    return _erase(
        merchant_id,
        requests=RefundRequest.objects.filter(pk__in=asked),
        sales=Transaction.objects.filter(pk__in=paid),
        at=at,
    )


_HAS_CUSTOMER = (
    Q(customer_phone_hash__isnull=False)
    | ~Q(customer_name="")
    | ~Q(customer_phone="")
    | ~Q(customer_email="")
    | ~Q(description="")
    | ~Q(message_to_customer="")
    | Q(Exists(CustomerReport.objects.filter(request=OuterRef("pk")).exclude(words="")))
)
#: What is written about a refund, and what stands there afterwards where something stood.
_WRITTEN: Final[Mapping[type[Model], Mapping[str, str]]] = {
    Agreement: {"agreed_by": _GONE, "words": ""},
    Approval: {"note": ""},
    CustomerReport: {"words": "", "outcome": _GONE},
    Execution: {"received_account": ""},
    ExchangeOffer: {"message": ""},
    GoodsReturn: {"finding": _GONE, "carrier": "", "parcel_no": ""},
    Notification: {"recipient": "", "masked_recipient": _GONE, "text": ""},
    Payee: {"holder_name": _GONE, "account_no": _GONE, "account_last4": _GONE * 4, "bank_name": _GONE},
    ReturnedTransfer: dict.fromkeys(("holder_name", "account_no", "account_last4", "bank_name", "note"), ""),
    SecondLook: {"note": ""},
    StaffNotice: {"text": _GONE},
    Survey: {"comment": ""},
    WeChatConsent: {"openid": ""},
}
_HAS_PAYER = Q(payer_phone_hash__isnull=False) | ~Q(payer_phone="") | ~Q(card_last4="")


def _erase(
    merchant_id: int, *, requests: QuerySet[RefundRequest], sales: QuerySet[Transaction], at: datetime
) -> Erased:
    ids: Sequence[Any] = list(requests.values_list("pk", flat=True))
    about = {
        "refund_request": ids,
        "transaction": sales.values_list("pk", flat=True),
        "customer_report": CustomerReport.objects.filter(request__in=ids).values_list("pk", flat=True),
        "returned_transfer": ReturnedTransfer.objects.filter(request__in=ids).values_list("pk", flat=True),
    }
    notes.erase(merchant_id=merchant_id, about=about, at=at)
    pictures = list(Evidence.objects.filter(request__in=ids).values_list("pk", "path"))
    Evidence.objects.filter(pk__in=[pk for pk, _ in pictures]).delete()
    transaction.on_commit(lambda: files.forget([path for _, path in pictures]))
    for model, columns in _WRITTEN.items():
        for column, instead in columns.items():
            rows = model._default_manager.filter(request__in=ids).exclude(**{column: ""})
            rows.update(**{column: instead})
    papers = Deposit.objects.filter(transaction__in=sales).exclude(terms=_GONE)
    scans = list(papers.exclude(document_path="").values_list("document_path", flat=True))
    papers.update(terms=_GONE, document_path="", document_type="", document_sha256="")
    transaction.on_commit(lambda: files.forget(scans))
    NoReceiptCase.objects.filter(Q(request__in=ids) | Q(sale__in=sales)).update(told={}, note="", third_party="")
    # Whole files of many people: those that are worked on are over within a week.
    merchants = requests.values("merchant_id")
    ImportFile.objects.filter(batch__merchant__in=merchants, batch__ended_at__isnull=False).delete()
    told = list(Apology.objects.filter(request__in=ids))
    for one in told:
        one.person = one.request_id.bytes
    Apology.objects.bulk_update(told, ["person"])
    paid = sales.update(payer_phone="", payer_phone_hash=None, payer_phone_last4_hash=None, card_last4="")
    asked = RefundRequest.objects.filter(pk__in=ids).update(
        customer_name="",
        customer_name_hash=None,
        customer_phone="",
        customer_phone_hash=None,
        customer_phone_last4_hash=None,
        customer_email="",
        description="",
        message_to_customer="",
    )
    return Erased(asked, paid, len(pictures))


def _told(erased: Erased) -> dict[str, int]:
    return {"requests": erased.requests, "sales": erased.sales, "files": erased.files}


def _record(action: str, merchant_id: int, by: Principal, at: datetime, **data: object) -> None:
    record(
        merchant_id=merchant_id,
        by=by.actor,
        action=action,
        object_type="merchant",
        object_id=merchant_id,
        at=at,
        data=data,
    )
