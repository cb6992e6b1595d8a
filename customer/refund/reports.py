"""What a customer can say after the decision, what was said, and what came of it, as the page shows it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.money import yuan_grouped
from core.personal_data import mask_phone
from core.plain_text import plain_text
from merchants import channels
from merchants.principals import Principal
from refunds.facts import conditions
from refunds.intake import appealing, naming
from refunds.models import CustomerReport, RefundRequest
from refunds.models.customer_report import ReportKind
from refunds.rules import explanations
from refunds.states import PAID, State
from refunds.telling.payout_words import day_of

_SEEN: Final = {
    "channel": _("confirmed just now by the payment provider"),
    "statement": _("in its statement"),
    "fund_flow": _("in the movements of its account"),
}
#: Lines of a verdict that are about the customer's own wish; what guards the merchant against others is not theirs to read.
_CONCERNS: Final = frozenset(
    {
        *("filing_window", "reason_covered", "reason_share", "reason_extent", "evidence_given", "goods_received"),
        *("articles_cover_amount", "piece_worth", "article_quantity", "refundable_balance", "channel_window"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownProof:
    """A payout in the customer's words; ``for_bank`` is one sentence to show there, by language code; none
    where no bank is in it.
    """

    amount_fen: int
    channel: str
    reference: str
    paid_day: str
    there_by: str
    is_late: bool
    seen: str
    for_bank: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Empty addresses hide their forms. ``missing``: the customer's open word that the money is not there. ``code_url``: where a
    code to ``phone``, which is masked, is asked for before an account is named.
    """

    has_arrived: bool
    proofs: Sequence[ShownProof]
    missing: CustomerReport | None
    missing_due: str
    answers: Sequence[tuple[str, str]]
    help: CustomerReport | None
    help_due: str
    why_rejected: Sequence[str]
    appealed: str
    arrived_url: str
    missing_url: str
    appeal_url: str
    account_url: str
    code_url: str
    phone: str
    help_url: str


def reports_of(request: RefundRequest, *, by: Principal, now: datetime, address: Callable[[str], str]) -> Reports:
    """``request`` comes with its sale."""
    rows = list(CustomerReport.objects.filter(request=request).order_by("said_at", "pk"))
    last = next((row for row in reversed(rows) if row.kind in (ReportKind.ARRIVED, ReportKind.NOT_ARRIVED)), None)
    has_arrived = last is not None and last.kind == ReportKind.ARRIVED
    missing = last if last is not None and not has_arrived else None
    # A channel that has contradicted itself since proves nothing.
    is_proven = missing is not None and request.transaction.held_at is None
    help_wanted = next((row for row in rows if row.kind == ReportKind.HELP and row.is_open), None)
    appeal = next((row for row in rows if row.kind == ReportKind.APPEAL), None)
    paid = request.state in PAID
    may_ask = paid and (missing is None or not missing.is_open)
    rejected = request.state == State.REJECTED
    names_account = naming.waits_for_account(request, by=by)
    needs_code = names_account and request.merchant.sandbox_of_id is None
    return Reports(
        has_arrived=has_arrived,
        proofs=[_shown(proof, now) for proof in missing.proofs] if missing and is_proven else (),
        missing=missing,
        missing_due=day_of(missing.due_at) if missing and missing.is_open and missing.due_at else "",
        answers=[
            (row.get_kind_display(), plain_text(row.outcome))
            for row in rows
            if row.closed_at and row.outcome != ReportKind.ARRIVED
        ],
        help=help_wanted,
        help_due=day_of(help_wanted.due_at) if help_wanted and help_wanted.due_at else "",
        why_rejected=_why(request) if rejected else (),
        appealed=plain_text(appeal.words) if appeal else "",
        arrived_url=address("arrived") if paid and not has_arrived else "",
        missing_url=address("missing") if may_ask and not has_arrived else "",
        appeal_url=address("appeal") if appealing.may_appeal(request, by=by) else "",
        account_url=address("account") if names_account else "",
        code_url=address("code") if needs_code else "",
        phone=mask_phone(conditions.phone_to_show(request)),
        help_url="" if help_wanted else address("help"),
    )


def _shown(proof: dict[str, Any], now: datetime) -> ShownProof:
    paid_at, there_by = (datetime.fromisoformat(proof[name]) for name in ("paid_at", "there_by"))
    sentences = []
    for code, _label in settings.LANGUAGES if not proof.get("is_balance") else ():
        with translation.override(code):
            sentences.append((code, _for_bank(proof, paid_at)))
    return ShownProof(
        amount_fen=proof["amount_fen"],
        channel=channels.label(proof["channel"]),
        reference=proof["reference"],
        paid_day=day_of(paid_at),
        there_by=day_of(there_by),
        is_late=there_by < now,
        seen=gettext(", ").join(str(_SEEN[name]) for name in proof["seen"]),
        for_bank=sentences,
    )


def _for_bank(proof: dict[str, Any], paid_at: datetime) -> str:
    return gettext(
        "Please look for a refund of ¥%(amount)s that %(channel)s paid on %(day)s under its number %(reference)s."
    ) % {
        "amount": yuan_grouped(proof["amount_fen"]),
        "channel": channels.label(proof["channel"]),
        "day": day_of(paid_at),
        "reference": proof["reference"],
    }


def _why(request: RefundRequest) -> Sequence[str]:
    """The rules that the request did not pass, as far as they concern its customer."""
    lines = request.verdict.get("rules", ())
    return [explanations.explain(line) for line in lines if line["code"] in _CONCERNS and not line["passed"]]
