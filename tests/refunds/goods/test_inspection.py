"""What was found of goods that came back, and where their refund goes from there."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from core.errors import DomainError
from merchants import policies
from merchants.principals import of_staff
from refunds.evidence import files
from refunds.models import RefundRequest
from refunds.review import deciding
from refunds.worker import confirming
from tests import pictures
from tests.api.conftest import api_for
from tests.factories import make_staff
from tests.refunds.goods.conftest import ask, fresh, inspect, receive, rules, who

pytestmark = pytest.mark.django_db


def test_inspect_when_nothing_is_found_goes_on_by_rule_where_the_policy_asked(waiting: RefundRequest) -> None:
    receive(waiting)
    inspect(waiting)
    assert fresh(waiting).state == "verifying"
    assert confirming.work() == 1
    done = fresh(waiting)
    assert (done.state, done.by_rule, done.executions.count()) == ("approved", True, 1)
    assert [rule["code"] for rule in done.verdict["rules"] if not rule["passed"]] == []


def test_inspect_when_a_person_asked_goes_back_to_a_person(in_review: RefundRequest) -> None:
    # The policy would let it pass by now: what a person took in hand, a person ends.
    ask(in_review)
    receive(in_review)
    generous = {**rules(), "auto_approve_limit_fen": 90_000}
    owner = of_staff(make_staff(in_review.merchant, "owner"))
    policies.publish(merchant=in_review.merchant, name="新", rules=generous, by=owner, at=timezone.now())
    inspect(in_review)
    confirming.work()
    assert (fresh(in_review).state, fresh(in_review).by_rule) == ("in_review", False)


@pytest.mark.parametrize(
    ("found", "actual"),
    [
        ([(1, "as_described", "restock"), (1, "damaged", "hand_back")], "damaged"),
        ([(2, "used", "restock")], "used"),
        ([(1, "damaged", "scrap"), (1, "missing", "")], "missing"),
        ([(2, "wrong_article", "hand_back")], "wrong_article"),
    ],
)
def test_inspect_when_something_is_found_goes_to_a_person(
    waiting: RefundRequest, found: list[tuple[int, str, str]], actual: str
) -> None:
    receive(waiting)
    row = inspect(waiting, *found)
    confirming.work()
    back = fresh(waiting)
    assert (back.state, back.by_rule, back.paused_at) == ("in_review", False, None)
    (line,) = (rule for rule in back.verdict["rules"] if rule["code"] == "goods_as_described")
    assert (line["passed"], line["actual"]) == (False, actual)
    kept = [(int(one.quantity), one.condition, one.disposition) for one in row.lines.order_by("pk")]
    assert kept == found


def test_inspect_when_less_is_proposed_a_person_decides_on_it(waiting: RefundRequest) -> None:
    receive(waiting)
    row = inspect(waiting, proposed_fen=15_000, finding="包装破损")
    confirming.work()
    assert (fresh(waiting).state, row.proposed_fen, row.finding) == ("in_review", 15_000, "包装破损")


def test_inspect_when_pictures_are_taken_keeps_them_as_evidence(
    waiting: RefundRequest, settings: Any, tmp_path: Any
) -> None:
    settings.VAR_DIR = tmp_path
    receive(waiting)
    inspect(waiting, pictures=[files.read_picture(upload=pictures.upload())])
    assert [piece.kind for piece in waiting.evidence.all()] == ["inspection"]


@pytest.mark.parametrize(
    ("found", "more", "code"),
    [
        ([(1, "as_described", "restock")], {}, "inspection_incomplete"),
        ([(3, "as_described", "restock")], {}, "inspection_incomplete"),
        ([(2, "as_described", "")], {}, "inspection_incomplete"),
        ([(2, "missing", "scrap")], {}, "inspection_incomplete"),
        ([(2, "eaten", "scrap")], {}, "inspection_incomplete"),
        ([(2, "used", "eaten")], {}, "inspection_incomplete"),
        ([], {"proposed_fen": 20_000, "finding": "x"}, "proposal_not_lower"),
        ([], {"proposed_fen": 0, "finding": "x"}, "proposal_not_lower"),
        ([], {"proposed_fen": 100}, "reason_required"),
    ],
)
def test_inspect_when_something_is_left_out_changes_nothing(
    waiting: RefundRequest, found: list[tuple[int, str, str]], more: dict[str, Any], code: str
) -> None:
    receive(waiting)
    version = fresh(waiting).version
    with pytest.raises(DomainError) as refused:
        inspect(waiting, *found, **more)
    assert refused.value.code == code
    assert (fresh(waiting).version, waiting.goods_returns.get().state) == (version, "received")


def test_inspect_when_the_goods_are_not_there_is_refused(waiting: RefundRequest) -> None:
    with pytest.raises(DomainError) as refused:
        inspect(waiting)
    assert (refused.value.code, fresh(waiting).state) == ("no_such_return", "waiting_goods")


def test_inspect_when_inspected_before_is_refused(waiting: RefundRequest) -> None:
    receive(waiting)
    inspect(waiting)
    with pytest.raises(DomainError) as refused:
        inspect(waiting)
    assert (refused.value.code, fresh(waiting).state) == ("no_such_return", "verifying")


def test_inspect_when_one_asked_for_the_refund_oneself_is_refused(waiting: RefundRequest) -> None:
    receive(waiting)
    assert waiting.staff is not None
    with pytest.raises(DomainError) as refused:
        inspect(waiting, by=of_staff(waiting.staff))
    assert (refused.value.code, waiting.goods_returns.get().state) == ("own_request", "received")


def test_approve_when_the_goods_came_back_used_may_be_less(waiting: RefundRequest) -> None:
    receive(waiting)
    inspect(waiting, (2, "used", "restock"), proposed_fen=12_000, finding="使用过")
    confirming.work()
    back = fresh(waiting)
    approved = deciding.approve(
        request_id=back.pk, by=who(back), at=timezone.now(), version=back.version, amount_fen=12_000
    )
    assert (approved.state, approved.approved_fen) == ("approved", 12_000)


@pytest.mark.parametrize(
    ("found", "reserved", "code"),
    [
        ([(2, "used", "restock")], 2, "exceeds_quantity"),
        ([(1, "used", "scrap"), (1, "missing", "")], 1, ""),
        ([(2, "damaged", "hand_back")], 0, ""),
    ],
    ids=["both stay", "one was missing", "handed back"],
)
def test_approve_of_less_uses_up_the_pieces_that_stay_in_the_store(
    waiting: RefundRequest, found: list[tuple[int, str, str]], reserved: int, code: str
) -> None:
    sale = waiting.transaction
    receive(waiting)
    inspect(waiting, *found, proposed_fen=15_000, finding="有使用痕迹")
    confirming.work()
    request = fresh(waiting)
    deciding.approve(
        request_id=request.pk, by=who(request, "owner"), at=timezone.now(), version=request.version, amount_fen=15_000
    )
    line = sale.lines.get()
    assert (line.reserved_quantity, line.reserved_fen >= 15_000) == (reserved, True)

    asked = {"transaction": str(sale.pk), "amount_fen": 5_000, "reason": "quality", "customer_consent": True}
    answer = api_for(sale.merchant).post("refund-requests", {**asked, "lines": [{"sku": "SKU-1", "quantity": 2}]})
    assert (answer.status_code, answer.json().get("code", "")) == ((422, code) if code else (201, "")), answer.json()
