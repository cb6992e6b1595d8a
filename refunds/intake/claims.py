"""What whoever asks for a refund says, and whether it holds: the sale they name, its articles, the account of a transfer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core.errors import FieldError, Invalid
from core.plain_text import without_marks
from merchants.principals import Principal
from refunds.intake import facts
from refunds.intake.facts import Sale, SaleLine
from refunds.models import RefundRequest
from refunds.models.hand_accounts import is_by_hand
from refunds.rules.policy import LineClaim
from refunds.states import Route

_NAME_MAX, _BANK_MAX = 60, 60


class PayeeInvalid(Invalid):
    """A transfer without a complete account, or an account where nothing is transferred."""

    code = "account_incomplete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    name: str = ""
    phone: str = ""
    email: str = ""
    locale: str = "zh-Hans"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A bank account as it was typed: the number may hold blanks and hyphens."""

    holder_name: str
    account_no: str = field(repr=False)
    bank_name: str

    @property
    def digits(self) -> str:
        return "".join(without_marks(self.account_no).split()).replace("-", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is asked for. One payment is named by ``transaction_id``, an order by ``order_no`` and, where that is not enough, its
    store's code; ``lines`` are (sku, quantity); ``payee`` is the customer's account for a bank transfer; ``plan_hash`` says
    which plan was seen.
    """

    amount_fen: int
    reason: str
    transaction_id: UUID | None = None
    order_no: str = ""
    store: str = ""
    plan_hash: str = ""
    description: str = ""
    route: str = Route.ORIGINAL
    lines: Sequence[tuple[str, int]] = ()
    customer: Customer = field(default_factory=Customer)
    customer_consent: bool | None = None
    payee: Account | None = None
    cashier: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """Pieces of one line of the sale."""

    line_id: int
    judged: LineClaim


def find_sale(draft: Draft, *, by: Principal, at: datetime) -> Sale:
    """The sale that the draft names, where ``by`` may see it. Raises ``NotFound`` or ``Invalid``."""
    return facts.find_sale(
        merchant_id=by.acting_for,
        at=at,
        transaction_id=draft.transaction_id,
        order_no=draft.order_no,
        store=draft.store,
        store_ids=by.stores,
        by_hand_fen=draft.amount_fen if is_by_hand(draft.route) else None,
    )


def articles(sale: Sale, lines: Iterable[tuple[str, int]]) -> list[Claim]:
    """The articles asked back, each spread over the sale's lines of it. Raises ``Invalid`` for those that it has not."""
    wanted: dict[str, int] = {}
    for sku, quantity in lines:
        wanted[sku] = wanted.get(sku, 0) + quantity
    claims: list[Claim] = []
    errors: list[FieldError] = []
    for sku, left in wanted.items():
        matching = [line for line in sale.lines if line.sku == sku]
        if not matching:
            errors.append(FieldError("lines", "unknown_article", f"the sale has no article {sku}"))
            continue
        for line in matching[:-1]:
            if quantity := min(left, line.returnable):
                claims.append(_claim(line, quantity))
                left -= quantity
        if left:
            claims.append(_claim(matching[-1], left))
    if errors:
        raise Invalid("the lines name articles that the sale does not have", code="unknown_article", errors=errors)
    return claims


def own_articles(sale: Sale, request: RefundRequest) -> list[Claim]:
    """The articles of a stored request. Where it was not released they are counted as taken: not against itself."""
    lines = {line.id: line for line in sale.lines}
    return [
        _claim(lines[line_id], quantity, own=quantity if request.reserved_fen else 0)
        for line_id, quantity in request.lines.values_list("line_id", "quantity")
    ]


def _claim(line: SaleLine, quantity: int, own: int = 0) -> Claim:
    value_fen = line.amount_fen * quantity // line.quantity
    return Claim(
        line.id,
        LineClaim(sku=line.sku, quantity=quantity, returnable=line.returnable + own, value_fen=value_fen),
    )


def check_account(*, route: str, account: Account | None, known: bool = False) -> None:
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
