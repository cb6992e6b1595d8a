"""Two steps on one page: two facts and a code to the phone, then what is wanted back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.urls import reverse

from core.money import yuan
from core.personal_data import mask_phone
from merchants.models import Store
from refunds.intake.applying import REASONS
from refunds.models.evidence import OF_STAFF, EvidenceKind
from terminals.models import Transaction

#: What the forms of both steps take as text.
FIELDS = ("order_no", "amount", "paid_on", "card_last4", "phone_last4", "phone", "reason", "description")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPage:
    """``ticket`` is there once a code was sent; then ``phone`` is masked. ``missing`` is the evidence that the store asks for.
    ``typed`` is kept when a form was refused.
    """

    store: Store
    languages: Sequence[tuple[str, str]]
    action: str
    send_url: str
    error: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    ticket: str = ""
    phone: str = ""
    amount: str = ""
    reasons: Sequence[tuple[str, str]] = ()
    kinds: Sequence[tuple[str, str]] = ()
    missing: str = ""

    @property
    def merchant_name(self) -> str:
        return self.store.merchant.name


def apply_page(
    *,
    store: Store,
    token: str,
    language: str,
    error: str = "",
    typed: Mapping[str, str] | None = None,
    ticket: str = "",
    phone: str = "",
    sale: Transaction | None = None,
    missing: str = "",
) -> ApplyPage:
    """``store`` comes with its merchant; with ``ticket`` it is the second step, and ``phone`` in clear."""
    left_fen = sale.amount_fen - sale.reserved_fen if sale is not None else 0
    kinds = [kind for kind in EvidenceKind if kind not in OF_STAFF]
    return ApplyPage(
        store=store,
        languages=[(code, label) for code, label in settings.LANGUAGES if code != language],
        action=f"{reverse('customer:apply', args=[token])}?lang={language}",
        send_url=f"{reverse('customer:apply-send', args=[token])}?lang={language}",
        error=error,
        typed={**dict.fromkeys(FIELDS, ""), **(typed or {})},
        ticket=ticket,
        phone=mask_phone(phone),
        amount=(typed or {}).get("amount", "") or (yuan(left_fen) if left_fen > 0 else ""),
        reasons=[(reason.value, str(reason.label)) for reason in REASONS],
        kinds=[(kind.value, str(kind.label)) for kind in kinds],
        missing=missing,
    )
