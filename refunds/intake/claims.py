"""What whoever asks for a refund says, and whether it holds: the sale they name, its articles, the account of a transfer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from core.errors import FieldError, Invalid, NotFound
from core.plain_text import without_marks
from core.quantities import Quantity
from core.values import value
from merchants.principals import Kind, Principal
from refunds.intake import facts
from refunds.intake.facts import Sale, SaleLine
from refunds.models import RefundLine, RefundRequest
from refunds.models.hand_accounts import is_by_hand
from refunds.rules import worth
from refunds.rules.deposits import Deposit, DepositClaim
from refunds.rules.facts import LineClaim
from refunds.rules.worth import Lowered
from refunds.states import Reason, Route
from terminals.models import REPORTED_KINDS, DepositKind, LineKind
from terminals.models import Deposit as DepositTerms
from terminals.orders import article, article_key

_NAME_MAX, _BANK_MAX = 60, 60


class PayeeInvalid(Invalid, code="account_incomplete"):
    """A transfer without a complete account, or an account where nothing is transferred."""


@value(kw_only=True)
class Customer:
    """Who the money is for, as far as was said; empty is not known."""

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


@value(kw_only=True)
class Draft:
    """What is asked for. One payment is named by ``transaction_id``, with ``whole_order`` the order that it paid for; an order by
    ``order_no`` and, where that is not enough, its store's code; ``lines`` are (article, quantity); ``payee`` is the customer's
    account for a bank transfer; ``plan_hash`` says which plan was seen, ``seen_returned`` how many pieces of an article (by sku)
    had come back by then. ``is_another`` says that it is not the same wish as one before, and ``another_note`` how so.
    ``evidence`` are files that were sent ahead; ``without_evidence`` says why what the policy asks for is missing; ``deposit``,
    why a deposit ends. ``compensation_to``: the customer's account for what is owed on top of a deposit
    (``refunds.intake.compensating``). ``on_behalf_of`` says for whom a key asks, ``batch`` of which batch it is which row.
    ``stands_in``: made by us for a payment that stands in for one (``terminals.standing_in``), which nobody else may name.
    """

    amount_fen: int
    reason: str
    transaction_id: UUID | None = None
    whole_order: bool = False
    order_no: str = ""
    store: str = ""
    plan_hash: str = ""
    description: str = ""
    route: str = Route.ORIGINAL
    lines: Sequence[tuple[str, Quantity]] = ()
    seen_returned: Mapping[str, Quantity] = field(default_factory=dict)
    customer: Customer = field(default_factory=Customer)
    customer_consent: bool | None = None
    payee: Account | None = None
    cashier: str = ""
    is_another: bool = False
    another_note: str = ""
    evidence: Sequence[UUID] = ()
    without_evidence: str = ""
    deposit: DepositClaim | None = None
    compensation_to: Account | None = None
    on_behalf_of: str = ""
    batch: str = ""
    stands_in: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """Pieces of one line of the sale."""

    line_id: int
    judged: LineClaim


def find_sale(draft: Draft, *, by: Principal, at: datetime) -> Sale:
    """The sale that the draft names, where ``by`` may see it; of an order that was charged twice, the payment that was one too
    many. Raises ``NotFound`` or ``Invalid``.
    """
    sale = facts.find_sale(
        merchant_id=by.acting_for,
        at=at,
        transaction_id=draft.transaction_id,
        order_no=draft.order_no,
        store=draft.store,
        store_ids=by.stores,
        by_hand_fen=draft.amount_fen if is_by_hand(draft.route) else None,
        whole=draft.whole_order,
    )
    # A customer asks for a refund of the sale that they have proven to be theirs, or its order, and of no other.
    is_not_theirs = by.kind is Kind.CUSTOMER and (draft.transaction_id is None or draft.transaction_id != by.sale_id)
    if is_not_theirs or (sale.kind not in REPORTED_KINDS and not draft.stands_in):
        raise NotFound("there is no such transaction", code="transaction_not_found")
    equal = [one for one in sale.payments if one.amount_fen == one.refundable_fen == draft.amount_fen]
    if draft.reason == Reason.DUPLICATE_CHARGE and equal:
        # Of one through a channel and one in cash it is the channel's that goes back the way it came.
        through = [one for one in equal if (one.channel_account_id is not None) == (draft.route == Route.ORIGINAL)]
        return replace((through or equal)[-1], lines=sale.lines, worths=sale.worths)
    return sale


def articles(sale: Sale, draft: Draft) -> list[Claim]:
    """The articles asked back, each spread over the sale's lines of it: the cheaper ones first, unless the amount says that it
    was the dearer. Raises ``Invalid`` for articles that the sale has not.
    """
    wanted: dict[str, Quantity] = {}
    for sku, quantity in draft.lines:
        wanted[sku] = wanted.get(sku, 0) + quantity
    offered = {sku: _offered(sale, sku, draft) for sku in wanted}
    if errors := [
        FieldError("lines", "unknown_article", format_lazy(_("The sale has no article {sku}."), sku=sku))
        for sku in wanted
        if not offered[sku]
    ]:
        raise Invalid("the lines name articles that the sale does not have", code="unknown_article", errors=errors)
    claims = _spread(sale, wanted, offered, dearest_first=False)
    if draft.amount_fen > sum(claim.judged.value_fen for claim in claims):
        claims = _spread(sale, wanted, offered, dearest_first=True)
    return claims


def as_seen(sale: Sale, draft: Draft) -> Draft:
    """The draft with its articles spelled as the sale spells them, and as another wish where whoever asks for more pieces knows
    of those that came back already: of three pieces, the third. Sent twice it knows of one too few.
    """
    if not draft.lines:
        return draft
    skus = {article(line) for line in sale.lines}
    by_key = {article_key(sku): sku for sku in skus}

    def own(sku: str) -> str:
        return sku if sku in skus else by_key.get(article_key(sku), sku)

    draft = replace(
        draft,
        lines=tuple((own(sku), quantity) for sku, quantity in draft.lines),
        seen_returned={own(sku): quantity for sku, quantity in draft.seen_returned.items()},
    )
    if draft.is_another or draft.reason not in worth.GOODS_COME_BACK:
        return draft
    returned = {sku: sum(line.returned for line in sale.lines if article(line) == sku) for sku, _ in draft.lines}
    return replace(draft, is_another=all(0 < back == draft.seen_returned.get(sku) for sku, back in returned.items()))


def _offered(sale: Sale, sku: str, draft: Draft) -> list[SaleLine]:
    """Lines of an article. Where a bottle and its deposit have one number, the reason says which of them is meant, or else the
    amount.
    """
    lines = [line for line in sale.lines if article(line) == sku and worth.can_come_back(line)]
    asks_deposit = draft.reason == Reason.DEPOSIT or (
        draft.reason in worth.GOODS_COME_BACK
        and any(_is_deposit(line) and [(sku, draft.amount_fen)] == _priced(draft, line) for line in lines)
    )
    meant = [line for line in lines if _is_deposit(line) == asks_deposit]
    return meant or lines


def _priced(draft: Draft, line: SaleLine) -> list[tuple[str, Quantity]]:
    """What the articles asked back would be at the price of this line."""
    return [(sku, line.unit_price_fen * quantity) for sku, quantity in draft.lines]


def _is_deposit(line: SaleLine) -> bool:
    return line.kind == LineKind.DEPOSIT


def own_articles(sale: Sale, request: RefundRequest) -> list[Claim]:
    """The articles of a stored request. What it holds of its lines is not counted against itself."""
    lines = {line.id: line for line in sale.lines}
    chosen = []
    for own in request.lines.select_related("line").order_by("pk"):
        # A correction may have made the sale one of an order's payments that all name the same lines.
        line = lines.setdefault(own.line_id, SaleLine.of(own.line))
        others = replace(line, returned=line.returned - own.held_quantity, given_fen=line.given_fen - own.held_fen)
        chosen.append((others, own.quantity))
    if len(lines) > len(sale.lines):
        sale = replace(sale, lines=tuple(lines.values()), worths=())
    return _claims(sale, chosen, but=request.pk)


def lowered(
    given: Mapping[int, tuple[int, Quantity, Quantity, int]], *, but: UUID | None = None
) -> Mapping[int, list[Lowered]]:
    """By line, money that was given for pieces that stayed with the customer, but by this request. ``given`` has worth in fen,
    pieces, pieces that came back and fen given of each line; where the pieces account for what was given nothing is read.
    """
    found: dict[int, list[RefundLine]] = {
        line: []
        for line, (worth_fen, quantity, returned, given_fen) in given.items()
        if given_fen and given_fen != int(worth_fen * returned // quantity)
    }
    if not found:
        return {}
    for row in RefundLine.objects.filter(line_id__in=found, held_fen__gt=0).exclude(request_id=but).order_by("pk"):
        found[row.line_id].append(row)
    return {line: worth.lowered_by(rows) for line, rows in found.items()}


def _spread(
    sale: Sale, wanted: Mapping[str, Quantity], offered: Mapping[str, list[SaleLine]], *, dearest_first: bool
) -> list[Claim]:
    chosen: list[tuple[SaleLine, Quantity]] = []
    for sku, asked in wanted.items():
        left = asked
        *others, last = _in_turn(offered[sku], asked, dearest_first=dearest_first)
        for line in others:
            if quantity := min(left, line.returnable):
                chosen.append((line, quantity))
                left -= quantity
        if left:
            chosen.append((last, left))
    return _claims(sale, chosen)


def _in_turn(lines: Sequence[SaleLine], asked: Quantity, *, dearest_first: bool) -> list[SaleLine]:
    """The lines of an article as they are given: by price, and of those at the first price the one first of which just so much is
    left, as two bags of one weighed article have a weight each.
    """
    sign = -1 if dearest_first else 1
    found = sorted(lines, key=lambda line: (sign * worth.price_fen(line), line.kind == LineKind.GIFT))
    first = worth.price_fen(found[0])
    just_it = (line for line in found if line.returnable == asked and worth.is_same_price(worth.price_fen(line), first))
    if (own := next(just_it, None)) is not None:
        found.remove(own)
        found.insert(0, own)
    return found


def _claims(sale: Sale, chosen: Sequence[tuple[SaleLine, Quantity]], *, but: UUID | None = None) -> list[Claim]:
    if not chosen:
        return []
    worths = dict(
        zip(
            (line.id for line in sale.lines),
            sale.worths or worth.line_worths(sale.lines, paid_fen=sale.amount_fen),
            strict=True,
        )
    )
    taken = {line.id: quantity for line, quantity in chosen}
    stays = lowered(
        {line.id: (worths[line.id], line.quantity, line.returned, line.given_fen) for line, _ in chosen}, but=but
    )
    claims = []
    for line, quantity in chosen:
        stay = [
            worth.price_fen(other)
            for other in sale.lines
            if other.id != line.id
            and (article(other), _is_deposit(other)) == (article(line), _is_deposit(line))
            and worth.can_come_back(other)
            and other.returnable > taken.get(other.id, 0)
        ]
        judged = LineClaim(
            sku=article(line),
            quantity=quantity,
            returnable=line.returnable,
            value_fen=worth.pieces_fen(
                worth_fen=worths[line.id],
                quantity=line.quantity,
                returned=line.returned,
                given_fen=line.given_fen,
                pieces=quantity,
                lowered=stays.get(line.id, ()),
            ),
            charged_fen=round(Decimal(line.amount_fen) * quantity / line.quantity),
            is_dearer=any(worth.is_dearer(worth.price_fen(line), price) for price in stay),
            is_cheaper=any(worth.is_dearer(price, worth.price_fen(line)) for price in stay),
        )
        claims.append(Claim(line.id, judged))
    return claims


def deposit_of(sale: Sale, *, reason: str, claim: DepositClaim | None) -> Deposit | None:
    """The deposit that is to be settled; None where the sale is none, or nothing was recorded of its terms.

    Raises ``Invalid``: of a deposit with terms it is said why it ends, and only of one; only from a security is anything
    deducted, at most what was paid.
    """
    terms = DepositTerms.objects.filter(pk=sale.id).first() if reason == Reason.DEPOSIT else None
    if terms is None:
        if claim is not None:
            raise Invalid("no terms of a deposit are recorded with this sale", code="no_deposit_terms")
        return None
    if claim is None:
        raise Invalid("it is not said why the deposit ends", code="deposit_cause_missing")
    if claim.deduction_fen and (terms.kind != DepositKind.SECURITY or claim.deduction_fen > sale.amount_fen):
        raise Invalid("only from a security is anything deducted, and no more than was paid", code="no_deduction")
    return Deposit(
        kind=terms.kind,
        contract_fen=terms.contract_fen,
        cause=claim.cause,
        open_percent=claim.open_percent,
        deduction_fen=claim.deduction_fen,
    )


def check_account(*, route: str, account: Account | None, known: bool = False) -> None:
    """Raise ``PayeeInvalid`` unless a transfer, and nothing but a transfer, has an account to go to.

    ``known`` says that the request has one from before.
    """
    if route != Route.BANK_TRANSFER:
        if account is not None:
            raise PayeeInvalid(
                "only a bank transfer goes to an account",
                errors=[FieldError("payee", "not_for_this_route")],
            )
        return
    if account is None:
        if not known:
            raise PayeeInvalid(
                "a bank transfer needs the customer's account",
                errors=[FieldError("payee", "required")],
            )
        return
    errors = []
    if not account.holder_name.strip() or len(account.holder_name) > _NAME_MAX:
        errors.append(
            FieldError("payee.holder_name", "invalid", format_lazy(_("1 to {most} characters."), most=_NAME_MAX))
        )
    if not re.fullmatch(r"[0-9]{8,32}", account.digits):
        errors.append(FieldError("payee.account_no", "invalid", _("8 to 32 digits.")))
    if not account.bank_name.strip() or len(account.bank_name) > _BANK_MAX:
        errors.append(
            FieldError("payee.bank_name", "invalid", format_lazy(_("1 to {most} characters."), most=_BANK_MAX))
        )
    if errors:
        raise PayeeInvalid("the customer's account is incomplete", errors=errors)
