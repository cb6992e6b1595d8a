"""Transfers that wait, the files taken to the bank, what a result said, and what came back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import codes
from core.personal_data import mask_name
from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.filters import Choice
from desk.keyset import CAP, Capped
from merchants.rights import Act
from refunds.facts import conditions, payees
from refunds.models import PaymentFile, ReturnedTransfer
from refunds.payouts import payment_files, returned
from refunds.payouts.payment_files import Result
from refunds.states import HandTrouble

_SHOWN = 20
_OUTCOMES = {
    "paid": (_("paid"), "ok"),
    "not_paid": (_("not paid"), "warn"),
    "returned": (_("came back"), "warn"),
    "known": (_("known before"), "mute"),
    "odd": (_("fits nothing"), "bad"),
}


@dataclass(frozen=True, slots=True)
class FileRow:
    file: PaymentFile
    transfers: int
    unpaid: int


@dataclass(frozen=True, slots=True)
class ResultRow:
    result: Result
    label: str
    tone: str
    why: str


@dataclass(frozen=True, slots=True)
class ReturnedRow:
    """``account`` is masked; ``may_pay``: this person may pay it again."""

    row: ReturnedTransfer
    url: str
    amount_fen: int
    account: str
    trouble: str
    may_pay: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TransfersPage:
    """``results`` are those of a file just read. Where nothing was recorded yet, ``kept`` is the ticket with which it can be;
    ``changing`` is how many of its rows would change something.
    """

    waiting: Capped
    files: Sequence[FileRow]
    returned: Sequence[ReturnedRow]
    troubles: Sequence[Choice]
    results: Sequence[ResultRow]
    kept: str
    file_name: str
    changing: int
    typed: Mapping[str, str]
    form_error: str


def transfers_page(
    *,
    scope: Scope,
    results: Sequence[Result] = (),
    kept: str = "",
    file_name: str = "",
    typed: Mapping[str, str],
    form_error: str = "",
) -> TransfersPage:
    files = payment_files.files_of(by=scope.by).prefetch_related("rows__execution")[:_SHOWN]
    return TransfersPage(
        waiting=Capped(payment_files.waiting(by=scope.by).order_by()[: CAP + 1].count()),
        files=[
            FileRow(one, len(rows), sum(row.execution.ended_at is None for row in rows))
            for one in files
            for rows in [list(one.rows.all())]
        ],
        returned=[_returned(row, scope) for row in returned.open_returns(by=scope.by)[:_SHOWN]],
        troubles=[Choice(one.value, str(one.label)) for one in HandTrouble],
        results=[_result(one) for one in results],
        kept=kept,
        file_name=file_name,
        changing=sum(one.outcome not in {"known", "odd"} for one in results),
        typed=typed,
        form_error=form_error,
    )


def _result(result: Result) -> ResultRow:
    label, tone = _OUTCOMES[result.outcome]
    return ResultRow(result, str(label), tone, codes.words(result.code) if result.code else "")


def _returned(row: ReturnedTransfer, scope: Scope) -> ReturnedRow:
    if row.account_last4:
        account = f"{mask_name(row.holder_name)} · {row.bank_name} **** {row.account_last4}"
    else:
        payee = payees.of(row.request, route="bank_transfer")
        account = str(payee) if payee else gettext("no account")
    return ReturnedRow(
        row=row,
        url=refund_url(row.request.number),
        amount_fen=row.execution.amount_fen if row.execution.payer_fen is None else row.execution.payer_fen,
        account=account,
        trouble=str(HandTrouble(row.trouble).label),
        may_pay=conditions.may(Act.PAY_BY_HAND, by=scope.by, request=row.request),
    )
