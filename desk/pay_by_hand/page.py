"""The two steps of a payout by hand: what to pay and what came of it, and what is about to be recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from core import codes
from core.errors import DomainError
from desk import forms, words
from desk.access import Scope
from desk.pay_by_hand.said import Said, seal
from merchants.rights import Act
from refunds.facts import conditions, payees
from refunds.models import RefundRequest
from refunds.payouts import by_hand
from refunds.review.revealing import Contact
from refunds.states import HandTrouble, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class PayByHandPage:
    """``blocked`` says why this person may not pay it; ``typed`` is what the form holds."""

    refund: RefundRequest
    route: str
    route_label: str
    amount_fen: int
    payee: Mapping[str, str] | None
    revealed: Contact | None
    can_reveal: bool
    waits: bool
    blocked: str
    drawers: Sequence[str]
    troubles: Sequence[HandTrouble]
    error: str
    typed: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPage:
    """``paid_at`` and ``trouble_label`` are of what was said; ``confirmation`` is that, sealed."""

    refund: RefundRequest
    route: str
    route_label: str
    amount_fen: int
    payee: Mapping[str, str] | None
    said: Said
    paid_at: datetime | None
    trouble_label: str
    confirmation: str
    error: str


def pay_by_hand_page(
    *, refund: RefundRequest, scope: Scope, typed: Said | None, error: str, revealed: Contact | None
) -> PayByHandPage:
    typed = typed or Said(paid=True, version=refund.version)
    route, amount_fen = by_hand.waiting_part(refund)
    may_pay = conditions.may(conditions.pay_act(route), by=scope.by, request=refund)
    payee = _payee(refund, route)
    return PayByHandPage(
        refund=refund,
        route=route,
        route_label=str(Route(route).label),
        amount_fen=amount_fen,
        payee=payee,
        revealed=revealed,
        can_reveal=payee is not None and revealed is None and scope.may(Act.REVEAL),
        waits=by_hand.waiting_route(refund) != "",
        blocked="" if may_pay else codes.words("two_persons_needed"),
        drawers=list(refund.store.terminals.order_by("code").values_list("code", flat=True)),
        troubles=list(HandTrouble),
        error=error,
        typed=replace(
            typed,
            paid_at=typed.paid_at or timezone.localtime().strftime("%Y-%m-%dT%H:%M"),
            drawer=typed.drawer or (refund.terminal.code if refund.terminal else ""),
        ),
    )


def confirm_page(*, refund: RefundRequest, scope: Scope, said: Said, error: DomainError | None) -> ConfirmPage:
    route, amount_fen = by_hand.waiting_part(refund)
    return ConfirmPage(
        refund=refund,
        route=route,
        route_label=str(Route(route).label),
        amount_fen=amount_fen,
        payee=_payee(refund, route),
        said=said,
        paid_at=forms.moment(said.paid_at) if said.paid else None,
        trouble_label="" if said.paid else str(HandTrouble(said.trouble).label),
        confirmation=seal(said, request=refund, by=scope.by),
        error=words.short(error) if error else "",
    )


def _payee(refund: RefundRequest, route: str) -> Mapping[str, str] | None:
    payee = payees.of(refund, route=route)
    return payees.masked(payee) if payee else None
