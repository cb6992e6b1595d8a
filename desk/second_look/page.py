"""A decided refund as it was before its decision: nothing here says which refund it is, nor what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.functional import Promise

from core.plain_text import colon
from desk.access import Scope
from desk.refund.customer import requester_label
from desk.refund.page import Piece
from desk.refund.sale import goods_summary
from desk.verdicts import RuleList, folded
from merchants import channels
from merchants.rights import Act
from refunds.models import SecondLook
from refunds.review import second_look
from refunds.rules import explanations
from refunds.rules.agreement import Agreement
from refunds.rules.worth import with_worth_of
from refunds.states import Reason
from terminals import orders
from terminals.models import TransactionStatus


@dataclass(frozen=True, slots=True)
class Payment:
    """One of the payments of an order."""

    channel_label: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """What a second reviewer sees of a refund; ``paid_fen`` is of its whole order, whose ``payments`` are named where it has
    several.
    """

    url: str
    amount_fen: int
    paid_fen: int
    paid_at: datetime
    payments: Sequence[Payment]
    asked_at: datetime
    reason_label: Promise | str
    customer_note: str
    goods: str
    store_name: str
    channel_label: str
    requester_label: str
    rules: RuleList
    evidence: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Row:
    """How far second looks agree, in per cent; ``kappa`` is empty where it says nothing."""

    label: str
    n: int
    share_pct: float
    kappa: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLooksPage:
    """``blind`` is None where nothing waits; figures only for those who look after the policy. ``dialog`` is the decision whose
    dialog stands open, with what was typed there, ``note``, and why it was not taken.
    """

    blind: Blind | None
    whole: Row | None
    by_reviewer: Sequence[Row]
    by_rule: Sequence[Row]
    sees_figures: bool
    dialog: str
    note: str
    error: str


def second_looks_page(
    look: SecondLook | None, *, scope: Scope, at: datetime, dialog: str = "", note: str = "", error: str = ""
) -> SecondLooksPage:
    """``look`` is the one to answer."""
    sees_figures = scope.may(Act.REVIEW_POLICY)
    figures = second_look.figures(by=scope.by, stores=scope.store_ids, at=at) if sees_figures else None
    return SecondLooksPage(
        blind=None if look is None else _blind(look),
        whole=_row("", figures.whole) if figures and figures.whole else None,
        by_reviewer=_rows(figures.by_reviewer) if figures else (),
        by_rule=_rows({explanations.label(code): one for code, one in figures.by_rule.items()}) if figures else (),
        sees_figures=sees_figures,
        dialog=dialog,
        note=note,
        error=error,
    )


def _blind(look: SecondLook) -> Blind:
    request = look.request
    sale = request.transaction
    paid = [one for one in orders.siblings(sale) if one.status == TransactionStatus.SUCCESS] or [sale]
    # What came after the decision could betray it.
    handed = request.evidence.filter(added_at__lte=look.approval.at).order_by("added_at", "pk")
    return Blind(
        url=reverse("desk:second-look", args=[look.pk]),
        amount_fen=request.amount_fen,
        paid_fen=sum(one.amount_fen for one in paid),
        paid_at=paid[0].paid_at,
        payments=[Payment(channels.label(one.channel), one.amount_fen) for one in paid] if len(paid) > 1 else (),
        asked_at=request.created_at,
        reason_label=Reason(request.reason).label,
        customer_note=request.description,
        goods=goods_summary(with_worth_of(paid), dict(request.lines.values_list("line_id", "quantity"))),
        store_name=request.store.name,
        channel_label="" if len(paid) > 1 else channels.label(request.channel),
        requester_label=requester_label(request),
        rules=folded(request.verdict["rules"]),
        evidence=[
            Piece(
                url := reverse("desk:second-look-evidence", args=[look.pk, piece.pk]),
                f"{url}?size=small",
                label := piece.get_kind_display(),
                f"{label}{colon()}{piece.note}",
                piece.content_type.startswith("image/"),
                piece.note,
            )
            for piece in handed
        ],
    )


def _rows(agreements: Mapping[str, Agreement]) -> list[Row]:
    return [_row(label, one) for label, one in agreements.items()]


def _row(label: str, one: Agreement) -> Row:
    return Row(label, one.n, 100 * one.share, "" if one.kappa is None else f"{one.kappa:.2f}")
