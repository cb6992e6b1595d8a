"""Saying at the desk what was found, piece by piece."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from refunds.models import RefundRequest
from tests import pictures
from tests.desk.refund.test_goods import browser
from tests.refunds.goods.conftest import fresh, receive, shop, waiting

pytestmark = pytest.mark.django_db

__all__ = ["shop", "waiting"]


def test_inspect_when_pieces_are_not_alike_takes_each(
    waiting: RefundRequest, settings: Settings, tmp_path: Path
) -> None:
    settings.VAR_DIR = tmp_path
    receive(waiting)
    line = waiting.goods_returns.get().lines.get().pk
    form = {
        f"quantity-{line}-0": "1",
        f"condition-{line}-0": "as_described",
        f"disposition-{line}-0": "restock",
        f"quantity-{line}-1": "1",
        f"condition-{line}-1": "missing",
        f"disposition-{line}-1": "",
        "proposed": "100",
        "finding": "只回来一件",
        "files": pictures.upload(),
    }
    answer = browser(waiting).post(f"/desk/refunds/{waiting.number}/inspect", form)
    assert (answer.status_code, answer["Location"]) == (302, f"/desk/refunds/{waiting.number}")
    row = waiting.goods_returns.get()
    assert (row.state, row.proposed_fen, [one.condition for one in row.lines.order_by("pk")]) == (
        "inspected",
        10_000,
        ["as_described", "missing"],
    )


@pytest.mark.parametrize("quantity", ["2", "x", "0.5"])
def test_inspect_when_filled_in_badly_keeps_what_was_typed(waiting: RefundRequest, quantity: str) -> None:
    receive(waiting)
    line = waiting.goods_returns.get().lines.get().pk
    form = {f"quantity-{line}-0": quantity, f"condition-{line}-0": "", "finding": "旧的"}
    answer = browser(waiting).post(f"/desk/refunds/{waiting.number}/inspect", form)
    assert answer.status_code == 422
    assert "旧的" in answer.content.decode()
    assert fresh(waiting).goods_returns.get().state == "received"


def test_inspect_when_nothing_is_there_leads_back(waiting: RefundRequest) -> None:
    answer = browser(waiting).get(f"/desk/refunds/{waiting.number}/inspect")
    assert (answer.status_code, answer["Location"]) == (302, f"/desk/refunds/{waiting.number}")
