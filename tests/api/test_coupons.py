"""A sale of which a coupon paid a part, over REST: reported, repeated, corrected, quoted, refunded."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from refunds.models import Execution, RefundRequest
from terminals.models import Transaction
from tests.api.conftest import Api, api_for
from tests.factories import make_account, make_merchant
from tests.refunds.settled import paid

pytestmark = pytest.mark.django_db
_AT = timezone.now().isoformat()


@pytest.fixture
def api() -> Api:
    merchant = make_merchant()
    make_account(merchant)
    return api_for(merchant)


def _report(api: Api, **payer: Any) -> Any:
    body = {
        "order_no": "C1",
        "channel": "wechat",
        "channel_transaction_no": "4299",
        "amount_fen": 10_000,
        "paid_at": _AT,
        "store": "S001",
    }
    return api.post("transactions", {**body, "payer": payer})


def test_report_when_a_coupon_paid_a_part_both_figures_stand_in_quote_and_plan(api: Api) -> None:
    sale = _report(api, paid_fen=8_000).json()
    assert sale["payer"]["paid_fen"] == 8_000
    body = {"transaction": sale["id"], "amount_fen": 10_000, "reason": "quality"}
    for answer in (api.post("refund-quotes", body), api.post("refund-requests", body)):
        (leg,) = answer.json()["plan"]["legs"]
        assert (leg["amount_fen"], leg["payer_fen"]) == (10_000, 8_000), answer.content


def test_refund_when_the_channel_said_what_the_payer_got_that_is_shown(api: Api) -> None:
    sale = _report(api, paid_fen=8_000).json()
    body = {"transaction": sale["id"], "amount_fen": 5_000, "reason": "quality"}
    request = RefundRequest.objects.get(pk=api.post("refund-requests", body).json()["id"])
    paid(request)
    Execution.objects.filter(request=request).update(payer_fen=4_200)
    told = api.get(f"refund-requests/{request.pk}").json()
    assert (told["plan"]["legs"][0]["payer_fen"], told["executions"][0]["payer_fen"]) == (4_200, 4_200)


@pytest.mark.parametrize("paid_fen", [None, 10_000])
def test_report_when_the_payer_paid_all_it_is_as_if_it_was_left_out(api: Api, paid_fen: int | None) -> None:
    first, again = _report(api), _report(api, paid_fen=paid_fen)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["payer"]["paid_fen"] == 10_000


def test_report_when_it_is_repeated_with_another_figure_it_differs(api: Api) -> None:
    _report(api, paid_fen=8_000)
    again = _report(api, paid_fen=7_000)
    assert (again.status_code, again.json()["code"]) == (409, "sale_differs")
    assert [error["field"] for error in again.json()["errors"]] == ["payer.paid_fen"]


@pytest.mark.parametrize(
    ("paid_fen", "status"), [(10_001, 422), (-1, 400), ("8000", 400), (8.5, 400), (True, 400), (10**13, 400)]
)
def test_report_when_the_figure_makes_no_sense_nothing_is_stored(api: Api, paid_fen: object, status: int) -> None:
    refused = _report(api, paid_fen=paid_fen)
    assert refused.status_code == status, refused.content
    assert "paid_fen" in refused.json()["errors"][0]["field"]
    assert not Transaction.objects.exists()


def test_correction_when_it_says_what_the_payer_paid_it_is_kept_and_bounded(api: Api) -> None:
    sale = _report(api).json()
    path = f"transactions/{sale['id']}/corrections"
    corrected = api.post(path, {"payer": {"paid_fen": 0}, "reason": "优惠券"})
    assert (corrected.status_code, corrected.json()["payer"]["paid_fen"]) == (200, 0)
    refused = api.post(path, {"payer": {"paid_fen": 10_001}, "reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (422, "payer_paid_too_much")
    assert Transaction.objects.get().payer_paid_fen == 0
    whole = api.post(path, {"payer": {"paid_fen": 10_000}, "reason": "没有用券"})
    assert (whole.json()["payer"]["paid_fen"], Transaction.objects.get().payer_paid_fen) == (10_000, None)


def test_correction_when_the_amount_falls_below_what_the_payer_paid_it_is_refused(api: Api) -> None:
    sale = _report(api, paid_fen=8_000).json()
    refused = api.post(f"transactions/{sale['id']}/corrections", {"amount_fen": 7_000, "reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (422, "payer_paid_too_much")
    assert Transaction.objects.get().amount_fen == 10_000
