"""What a customer reads where a person pays them back: on their page and in messages."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from refunds.facts import payees
from refunds.models import Execution, RefundRequest
from refunds.states import ExecutionState, Route

#: What happens next, once it is approved.
_NEXT: dict[str, Promise | str] = {
    Route.BANK_TRANSFER: _("Somebody at the store makes the transfer by hand. You hear from us when it is sent."),
    Route.CASH: _("Please collect it at the store and show this page. You sign a slip for it."),
    Route.STORE_CREDIT: _("Somebody at the store makes out your credit. Its number will stand here."),
}
_STEPS: dict[str, Promise | str] = {
    Route.BANK_TRANSFER: _("The store makes the transfer"),
    Route.CASH: _("The store pays you in cash"),
    Route.STORE_CREDIT: _("The store makes out your credit"),
}
_REFERENCES: dict[str, Promise | str] = {
    Route.BANK_TRANSFER: pgettext_lazy("of a bank transfer", "Transfer no."),
    Route.CASH: _("Slip no."),
    Route.STORE_CREDIT: _("Credit no."),
}


def next_step(route: str) -> str:
    """One sentence: who does what, and what the customer does."""
    return str(_NEXT[Route(route)])


def step(route: str) -> str:
    """The payout among the steps of the refund."""
    return str(_STEPS[Route(route)])


def account_tail(request: RefundRequest) -> str:
    """The last four digits of the account that a transfer goes to; empty elsewhere."""
    payee = payees.of(request)
    return "" if payee is None else payee.account_last4


def reference(request: RefundRequest) -> dict[str, str] | None:
    """The number of what was paid by hand, with what it is called; None until it is paid."""
    paid = Execution.objects.filter(request_id=request.pk, state=ExecutionState.SUCCEEDED)
    number = paid.values_list("channel_refund_no", flat=True).first()
    return {"label": str(_REFERENCES[Route(request.route)]), "number": number} if number else None
