"""Paying by hand, and payouts that did not go as they should."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from merchants.rights import Act
from refunds.models import RefundRequest
from refunds.payouts import (
    by_hand,
    credentials,
    ending,
    payment_files,
    redirecting,
    ways_back,
)
from refunds.payouts.by_hand import Payment
from refunds.payouts.ending import Finding
from refunds.payouts.redirecting import OtherAccount, PayeeKind
from tests import pictures
from tests.rights.cases import PICTURE, Call, Domain, Form, Page, on
from tests.rights.world import Who, World


def _pay(step: str, drawer: str) -> Domain:
    return lambda world, by: by_hand.confirm(
        request_id=world.requests[step].pk,
        payment=Payment(reference_no="0042", paid_at=timezone.now(), drawer=drawer),
        by=by,
        at=timezone.now(),
        version=RefundRequest.objects.get(pk=world.requests[step].pk).version,
    )


def _redirect(kind: PayeeKind) -> Domain:
    payee = OtherAccount(kind=kind, bank_type="ICBC_DEBIT", card_number="6222021234567890123", holder_name="王敏")
    return on("stuck", redirecting.send_elsewhere, payee=payee)


def _paid(drawer: str) -> Callable[[World, Who], dict[str, Any]]:
    return lambda _world, _who: {
        "version": 6,
        "reference_no": "0042",
        "paid_at": timezone.now().isoformat(),
        "drawer": drawer,
    }


def _result(_world: World, _who: Who) -> Form:
    return Form(file=SimpleUploadedFile("r.csv", "业务参考号,处理结果\nR0,成功\n".encode()))


def _finding(_world: World, _who: Who) -> Form:
    return Form(file=pictures.upload(), shows="nothing", version=5)


DOMAIN: dict[Act, Domain] = {
    Act.TAKE_TRANSFERS: lambda world, by: payment_files.files_of(by=by),
    Act.PAY_CASH: _pay("cash", "POS-01"),
    Act.PAY_BY_HAND: _pay("transfer", ""),
    Act.RETRY: on("failed", ways_back.retry),
    Act.REDIRECT: _redirect(PayeeKind.MERCHANT_ACCOUNT),
    Act.REDIRECT_TO_PERSON: _redirect(PayeeKind.CUSTOMER_CARD),
    Act.END_UNKNOWN: on("lost", ending.propose, finding=Finding(paid=False, note="not in the portal"), picture=PICTURE),
    Act.CHANGE_CREDENTIALS: lambda world, by: credentials.change(
        account_id=world.account.pk, given={}, by=by, at=timezone.now()
    ),
}

REST: list[Call] = [
    (Act.TAKE_TRANSFERS, "GET", "payment-files", None),
    (Act.TAKE_TRANSFERS, "POST", "payment-results", _result),
    (Act.PAY_CASH, "POST", "refund-requests/{cash}/confirm-payout", _paid("POS-01")),
    (Act.PAY_BY_HAND, "POST", "refund-requests/{transfer}/confirm-payout", _paid("")),
    (Act.PAY_CASH, "POST", "refund-requests/{cash}/payout-failed", {"version": 6, "reason_code": "no_means"}),
    (Act.PAY_BY_HAND, "POST", "refund-requests/{transfer}/payout-failed", {"version": 6, "reason_code": "no_means"}),
    (Act.RETRY, "POST", "refund-requests/{failed}/legs/1/retry", {"version": 5}),
    (Act.RETRY, "POST", "refund-requests/{half_paid}/legs/2/retry", {"version": 6}),
    (Act.RETRY, "POST", "refund-requests/{half_paid}/legs/2/give-up", {"version": 6}),
    (
        Act.RETRY,
        "POST",
        "refund-requests/{half_paid}/legs/2/move",
        {"version": 6, "route": "store_credit", "customer_consent": True},
    ),
    (Act.END_UNKNOWN, "POST", "refund-requests/{lost}/portal-findings", _finding),
    (Act.END_UNKNOWN, "POST", "refund-requests/{lost}/confirm-portal-finding", {"version": 5}),
    (Act.CHANGE_CREDENTIALS, "GET", "channel-accounts/{account}", None),
    (Act.CHANGE_CREDENTIALS, "PUT", "channel-accounts/{account}/profile", {"profile": {"max_partials": 7}}),
    (Act.CHANGE_CREDENTIALS, "POST", "channel-accounts/{account}/close", {}),
    (Act.CHANGE_CREDENTIALS, "DELETE", "message-carriers/wechat", None),
]

DESK: list[Page] = [
    (Act.TAKE_TRANSFERS, "GET", "/desk/transfers", {}),
    (
        Act.PAY_CASH,
        "POST",
        "/desk/by-hand/{cash}",
        {"version": "6", "paid": "yes", "reference_no": "1", "paid_at": "now", "drawer": "POS-01"},
    ),
    (
        Act.PAY_BY_HAND,
        "POST",
        "/desk/by-hand/{transfer}",
        {"version": "6", "paid": "yes", "reference_no": "1", "paid_at": "now"},
    ),
    (Act.RETRY, "POST", "/desk/refunds/{failed}/retry", {"version": "5", "confirmed": "1"}),
    (Act.RETRY, "POST", "/desk/refunds/{half_paid}/retry", {"version": "6", "confirmed": "1"}),
    (Act.RETRY, "POST", "/desk/refunds/{half_paid}/give-up-leg", {"version": "6", "leg": "2"}),
    (
        Act.RETRY,
        "POST",
        "/desk/refunds/{half_paid}/move-leg",
        {"version": "6", "leg": "2", "route": "store_credit", "consent": "1"},
    ),
    (
        Act.END_UNKNOWN,
        "POST",
        "/desk/refunds/{lost}/end-unknown",
        {"version": "5", "shows": "nothing", "files": "picture"},
    ),
    (Act.END_UNKNOWN, "POST", "/desk/refunds/{lost}/end-unknown/confirm", {"version": "5", "confirmed": "1"}),
    (Act.CHANGE_CREDENTIALS, "POST", "/desk/settings/channel-accounts/{account}", {"max_partials": "7"}),
    (Act.CHANGE_CREDENTIALS, "POST", "/desk/settings/channel-accounts/{account}/close", {"typed": "{account}"}),
]
