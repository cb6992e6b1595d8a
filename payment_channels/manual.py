"""Routes on which a person pays back: bank transfer, cash, store credit. Their "channel" is a member of staff.

Nothing is sent anywhere: a refund rests as accepted until a person enters when and how it was paid, or why it could not be.
``confirmed`` and ``given_up`` turn that into what a real channel's answer would be.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from payment_channels.contract import (
    Done,
    NoticeRejected,
    NoticeReply,
    Outcome,
    RawNotice,
    RefundNotice,
    RefundOrder,
    RefundReference,
    Refused,
    Retry,
    Unknown,
)
from payment_channels.profile import Profile

ROUTES: Final = ("bank_transfer", "cash", "store_credit")

#: Why a person could not pay -> whether the same payout can be made later, or only a corrected one. The keys are remedies, too.
TROUBLES: Final[Mapping[str, Retry]] = {
    "payee_wrong": Retry.NEVER,
    "other_way": Retry.NEVER,
    "not_collected": Retry.SAME_NUMBER,
    "no_means": Retry.SAME_NUMBER,
    "paid_meanwhile": Retry.SAME_NUMBER,
}


def build(credentials: Mapping[str, str], profile: Profile, base_url: str) -> ManualRefundChannel:
    """Build a route's adapter. It takes no credentials, profile or address; the registry's form asks for them."""
    return ManualRefundChannel()


class ManualRefundChannel:
    """A person with a till, a bank account or a voucher printer."""

    def refund(self, order: RefundOrder) -> Outcome:
        """Ask a person to pay."""
        return _waiting()

    def query_refund(self, reference: RefundReference) -> Outcome:
        """Only a person knows."""
        return _waiting()

    def read_notice(self, notice: RawNotice) -> RefundNotice:
        """Refuse: nobody calls back."""
        raise NoticeRejected("not_a_refund", "this route sends no notices")

    def acknowledge(self) -> NoticeReply:
        """See ``RefundChannel``."""
        return NoticeReply(status=404, content_type="text/plain", body=b"")

    def decline(self, reason: str) -> NoticeReply:
        """See ``RefundChannel``."""
        return NoticeReply(status=404, content_type="text/plain", body=b"")

    def confirmed(
        self,
        *,
        reference: RefundReference,
        voucher_no: str,
        paid_at: datetime,
        by: str,
        received_account: str = "",
        drawer: str = "",
        payer_fen: int | None = None,
    ) -> Done:
        """What a person has entered as proof: the slip's or transfer's number, when, who says so, from which drawer.

        ``received_account`` is masked; ``payer_fen`` is what was paid where a coupon had paid a part. Raises ``ValueError`` where
        the number is empty or the instant has no offset.
        """
        if not voucher_no.strip():
            raise ValueError("voucher_no is empty")
        if paid_at.tzinfo is None:
            raise ValueError("paid_at has no offset")
        return Done(
            refund_no=reference.refund_no,
            channel_refund_no=voucher_no.strip(),
            amount_fen=reference.amount_fen,
            succeeded_at=paid_at,
            received_account=received_account,
            payer_fen=payer_fen,
            raw=_statement(
                reference,
                number=voucher_no.strip(),
                paid_at=paid_at.isoformat(),
                drawer=drawer,
                by=by,
                payer_fen="" if payer_fen is None else str(payer_fen),
            ),
        )

    def given_up(self, *, reference: RefundReference, trouble: str, note: str, by: str) -> Refused:
        """A person says that nothing was paid, and why: a key of ``TROUBLES``."""
        return Refused(
            code=trouble,
            message=note,
            retry=TROUBLES[trouble],
            remedy=trouble,
            raw=_statement(reference, trouble=trouble, note=note, by=by),
        )


def drawer_in(proof: str) -> str:
    """The drawer that a confirmed cash payout came from, as ``confirmed`` kept it; "" where none was named."""
    try:
        return str(json.loads(proof)["drawer"])
    except (ValueError, KeyError, TypeError):
        return ""


def _waiting() -> Unknown:
    return Unknown(code="by_hand", message="a person pays this back", accepted=True, by_hand=True, remedy="pay_by_hand")


def _statement(reference: RefundReference, **said: str) -> str:
    """A person's word as it is kept: what was said, of which payout."""
    facts = {"refund_no": reference.refund_no, "amount_fen": reference.amount_fen, **said}
    return json.dumps({name: value for name, value in facts.items() if value != ""}, ensure_ascii=False)
