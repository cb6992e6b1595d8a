"""A refund behind a link, taken to the state that a test wants by the ways that really lead there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from core.audit.actors import SYSTEM
from merchants import principals
from merchants.models import Role
from merchants.principals import of_staff
from payment_channels.contract import Done, Outcome, Refused, Retry, Unknown
from refunds import lifecycle, payouts
from refunds.models import RefundRequest
from refunds.payouts import ways_back
from refunds.review import deciding
from refunds.states import RejectReason
from tests.factories import make_merchant, make_request, make_sale, make_staff

Staged = Callable[..., RefundRequest]


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    """Pictures of one test only."""
    settings.VAR_DIR = tmp_path
    return tmp_path / "evidence"


@pytest.fixture
def staged(db: None) -> Iterator[Staged]:
    """``staged("rejected", reason="goodwill")``: a new request in that state; other fields go to the factories."""
    yield in_state
    connection.check_constraints()


def in_state(
    state: str, *, amount_fen: int = 26_800, approved_fen: int | None = None, funding: str = "balance", **fields: Any
) -> RefundRequest:
    """A request of a new merchant in this state."""
    sale = make_sale(make_merchant(), 2 * amount_fen, funding=funding, card_last4=fields.pop("card_last4", ""))
    request = make_request(sale, amount_fen, **{"phone": "13800006021", "email": "wangmin@example.com", **fields})
    reviewer, now = make_staff(sale.merchant, Role.OWNER), timezone.now()
    if state == "in_review":
        return request
    if state == "needs_info":
        deciding.request_info(
            request_id=request.pk, by=of_staff(reviewer), at=now, version=request.version, message="请补一张面板的照片"
        )
    elif state == "rejected":
        deciding.reject(
            request_id=request.pk,
            by=of_staff(reviewer),
            at=now,
            version=request.version,
            reason=RejectReason.GOODS_USED,
            message="外壳有明显的使用痕迹",
        )
    elif state == "cancelled":
        ways_back.cancel(request_id=request.pk, by=principals.SYSTEM, at=now)
    else:
        if request.state == "in_review":
            deciding.approve(
                request_id=request.pk, by=of_staff(reviewer), at=now, version=request.version, amount_fen=approved_fen
            )
        _paid_out(request, state)
    return RefundRequest.objects.get(pk=request.pk)


def _paid_out(request: RefundRequest, state: str) -> None:
    """From approved on, by the stages that carry a payout, with the answers that a channel would give."""
    if state == "approved":
        return
    now = timezone.now()
    (claimed,) = payouts.claim(limit=1, at=now, only_account=request.transaction.channel_account_id)
    if state == "executing":
        return
    answer: Outcome
    if state == "unknown":
        answer = Unknown(code="timeout", message="no answer in time")
    elif state == "failed":
        answer = Refused(code="USER_ACCOUNT_ABNORMAL", message="用户账户异常", retry=Retry.NEVER, remedy="other_route")
    else:
        answer = Done(
            refund_no=claimed.order.refund_no,
            channel_refund_no=f"5030{request.pk.int % 10**24:024d}",
            amount_fen=claimed.order.amount_fen,
            succeeded_at=now,
            raw="{}",
        )
    payouts.settle(
        [payouts.Answer(claimed.execution_id, request.pk, claimed.account_id, answer, "answer", claimed.turn)], at=now
    )
    if state in {"follow_up", "closed"}:
        lifecycle.advance(request.pk, "begin_follow_up", by=SYSTEM, at=now, close_at=now + timedelta(days=7))
    if state == "closed":
        lifecycle.advance(request.pk, "close", by=SYSTEM, at=now)
