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

from core.audit.actors import CUSTOMER, SYSTEM
from merchants.models import Role
from refunds import lifecycle, ways_back
from refunds.flow import review
from refunds.models import Execution, RefundRequest
from refunds.states import ExecutionState, RejectReason
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
        review.request_info(
            request_id=request.pk, by=reviewer, at=now, version=request.version, message="请补一张面板的照片"
        )
    elif state == "rejected":
        review.reject(
            request_id=request.pk,
            by=reviewer,
            at=now,
            version=request.version,
            reason=RejectReason.GOODS_USED,
            message="外壳有明显的使用痕迹",
        )
    elif state == "cancelled":
        ways_back.cancel(request_id=request.pk, by=CUSTOMER, at=now)
    else:
        if request.state == "in_review":
            review.approve(request_id=request.pk, by=reviewer, at=now, version=request.version, amount_fen=approved_fen)
        _paid_out(request, state)
    return RefundRequest.objects.get(pk=request.pk)


def _paid_out(request: RefundRequest, state: str) -> None:
    """From approved on, with a payout that has all that its state demands."""
    now = timezone.now()
    payout = Execution.objects.get(request=request)
    if state == "approved":
        return
    lifecycle.advance(request.pk, "start_execution", by=SYSTEM, at=now)
    _payout(payout, state=ExecutionState.SENDING, first_sent_at=now, sends=1)
    if state == "unknown":
        _payout(payout, state=ExecutionState.UNKNOWN)
        lifecycle.advance(request.pk, "lose_sight", by=SYSTEM, at=now)
    elif state == "failed":
        _payout(
            payout,
            state=ExecutionState.FAILED,
            failure_code="USER_ACCOUNT_ABNORMAL",
            failure_remedy="other_route",
            due_at=None,
            ended_at=now,
        )
        lifecycle.advance(request.pk, "fail", by=SYSTEM, at=now)
    elif state != "executing":
        _payout(
            payout,
            state=ExecutionState.SUCCEEDED,
            channel_refund_no=f"5030{payout.pk.int % 10**24:024d}",
            proof="{}",
            proof_source="query",
            succeeded_at=now,
            due_at=None,
            ended_at=now,
        )
        lifecycle.advance(
            request.pk, "succeed", by=SYSTEM, at=now, succeeded_at=now, follow_up_at=now + timedelta(days=1)
        )
    if state in {"follow_up", "closed"}:
        lifecycle.advance(request.pk, "begin_follow_up", by=SYSTEM, at=now, close_at=now + timedelta(days=7))
    if state == "closed":
        lifecycle.advance(request.pk, "close", by=SYSTEM, at=now)


def _payout(payout: Execution, **values: object) -> None:
    Execution.objects.filter(pk=payout.pk).update(**values)
