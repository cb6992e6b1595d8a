"""The bank account of a transfer, as every room and face may show it. Only ``refunds.review.revealing`` shows it whole."""

from typing import TypedDict

from core.personal_data import mask_name
from refunds.models import Payee, RefundRequest
from refunds.states import Route


class MaskedPayee(TypedDict):
    """What every face may show: ``王*敏``, ``**** 6021``, the bank."""

    holder_name: str
    account_no: str
    bank_name: str


def of(request: RefundRequest, *, route: str = "") -> Payee | None:
    """The account that the request's transfer goes to; none on every other route, without asking the database.

    ``route`` is that of a leg, where it is not the request's.
    """
    if (route or request.route) != Route.BANK_TRANSFER:
        return None
    try:
        return request.payee
    except Payee.DoesNotExist:
        return None


def masked(payee: Payee) -> MaskedPayee:
    """The account as every face may show it."""
    return MaskedPayee(
        holder_name=mask_name(payee.holder_name), account_no=f"**** {payee.account_last4}", bank_name=payee.bank_name
    )
