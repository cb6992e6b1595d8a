"""The bank account of a transfer: read, checked, masked. Only ``refunds.review.revealing`` shows it whole."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.audit.actors import Actor
from core.errors import FieldError, Invalid
from core.personal_data import mask_name
from refunds.models import Payee, RefundRequest
from refunds.states import Route

_NAME_MAX, _BANK_MAX = 60, 60


class PayeeInvalid(Invalid):
    """A transfer without a complete account, or an account where nothing is transferred."""

    code = "account_incomplete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A bank account as it was typed: the number may hold blanks and hyphens."""

    holder_name: str
    account_no: str = field(repr=False)
    bank_name: str

    @property
    def digits(self) -> str:
        return self.account_no.replace(" ", "").replace("-", "")


def check(*, route: str, account: Account | None, known: bool = False) -> None:
    """Raise ``PayeeInvalid`` unless a transfer, and nothing but a transfer, has an account to go to.

    ``known`` says that the request has one from before.
    """
    if route != Route.BANK_TRANSFER:
        if account is not None:
            raise PayeeInvalid(
                "only a bank transfer goes to an account",
                errors=[FieldError("payee", "not_for_this_route", "only a bank transfer goes to an account")],
            )
        return
    if account is None:
        if not known:
            raise PayeeInvalid(
                "a bank transfer needs the customer's account",
                errors=[FieldError("payee", "required", "the customer's own account")],
            )
        return
    errors = []
    if not account.holder_name.strip() or len(account.holder_name) > _NAME_MAX:
        errors.append(FieldError("payee.holder_name", "invalid", f"the account holder's name, at most {_NAME_MAX}"))
    if not re.fullmatch(r"[0-9]{8,32}", account.digits):
        errors.append(FieldError("payee.account_no", "invalid", "8 to 32 digits"))
    if not account.bank_name.strip() or len(account.bank_name) > _BANK_MAX:
        errors.append(FieldError("payee.bank_name", "invalid", f"the bank's name, at most {_BANK_MAX}"))
    if errors:
        raise PayeeInvalid("the customer's account is incomplete", errors=errors)


def row(*, request: RefundRequest, account: Account, by: Actor, at: datetime) -> Payee:
    """The account as it is stored, unsaved."""
    return Payee(
        request_id=request.pk,
        merchant_id=request.merchant_id,
        holder_name=account.holder_name.strip(),
        account_no=account.digits,
        account_last4=account.digits[-4:],
        bank_name=account.bank_name.strip(),
        recorded_by=by.name[:80],
        recorded_at=at,
    )


def of(request: RefundRequest) -> Payee | None:
    """The account that the request's transfer goes to; none on every other route, without asking the database."""
    if request.route != Route.BANK_TRANSFER:
        return None
    try:
        return request.payee
    except Payee.DoesNotExist:
        return None


def masked(payee: Payee) -> dict[str, Any]:
    """What every face may show: ``王*敏``, ``**** 6021``, the bank."""
    return {
        "holder_name": mask_name(payee.holder_name),
        "account_no": f"**** {payee.account_last4}",
        "bank_name": payee.bank_name,
    }
