"""What a line is worth, over REST: discounts, gifts, deposits, weights, two prices, money without goods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.utils import timezone, translation

from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review import deciding
from refunds.rules import explanations
from terminals.models import Transaction, TransactionLine
from tests.api.conftest import Api, api_for
from tests.factories import make_account, make_merchant, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    merchant = make_merchant()
    make_account(merchant)
    return api_for(merchant)


def _line(sku: str, amount_fen: int, quantity: float = 1, **more: Any) -> dict[str, Any]:
    price = round(amount_fen / quantity)
    return {
        "sku": sku,
        "name": sku or "x",
        "quantity": quantity,
        "unit_price_fen": price,
        "amount_fen": amount_fen,
        **more,
    }


def _sale(api: Api, lines: Sequence[dict[str, Any]], amount_fen: int | None = None, **more: Any) -> Any:
    number = Transaction.objects.count() + 1
    body = {
        "order_no": f"W{number}",
        "channel": "wechat",
        "channel_transaction_no": f"42{number}",
        "amount_fen": sum(line["amount_fen"] for line in lines) if amount_fen is None else amount_fen,
        "paid_at": timezone.now().isoformat(),
        "store": "S001",
        "lines": list(lines),
    }
    return api.post("transactions", {**body, **more})


def _ask(api: Api, sale: Any, amount_fen: int, *pieces: tuple[str, float], reason: str = "quality", **more: Any) -> Any:
    return api.post(
        "refund-requests",
        {
            "transaction": sale["id"],
            "amount_fen": amount_fen,
            "reason": reason,
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in pieces],
            "customer_consent": True,
            **more,
        },
    )


def _rule(answer: Any, code: str) -> Any:
    return next((rule for rule in answer.json()["verdict"]["rules"] if rule["code"] == code), None)


_TEN_PERCENT_OFF = [_line("A", 6_000), _line("B", 4_000), _line("", -1_000, kind="discount")]


def test_a_piece_is_worth_what_was_paid_for_it(api: Api) -> None:
    sale = _sale(api, _TEN_PERCENT_OFF).json()
    assert [line["worth_fen"] for line in sale["lines"]] == [5_400, 3_600, 0]

    body = {"transaction": sale["id"], "amount_fen": 5_401, "reason": "quality", "lines": [{"sku": "A", "quantity": 1}]}
    more, exact = api.post("refund-quotes", body), _ask(api, sale, 3_600, ("B", 1))

    assert (more.json()["verdict"]["decision"], _rule(more, "articles_cover_amount")["passed"]) == ("review", False)
    assert (exact.status_code, exact.json()["state"]) == (201, "approved")
    rule = _rule(exact, "piece_worth")
    assert (rule["actual"], rule["limit"], rule["passed"]) == ("36.00", "40.00", True)
    for language, word in (("en", "shared out over the articles"), ("zh-hans", "分摊到各商品")):
        with translation.override(language):
            assert word in explanations.explain(rule)


@pytest.mark.parametrize(
    ("sold", "groups", "amounts"),
    [(3, (1, 1, 1), (333, 333, 334)), (7, (3, 3, 1), (428, 429, 143)), (0.356, (0.1, 0.256), (280, 720))],
)
def test_pieces_that_come_back_in_parts_end_at_what_was_paid(
    api: Api, sold: float, groups: Sequence[float], amounts: Sequence[int]
) -> None:
    sale = _sale(api, [_line("A", 1_000, sold)]).json()

    for quantity, amount_fen in zip(groups, amounts, strict=True):
        # A second piece at the price of the first looks like the same wish: the till says that it is another.
        answer = _ask(api, sale, amount_fen, ("A", quantity), is_another=True, note="下一件")
        assert _rule(answer, "articles_cover_amount")["limit"] == f"{amount_fen / 100:.2f}", answer.content
        assert answer.json()["state"] == "approved"

    line = api.get(f"transactions/{sale['id']}").json()["lines"][0]
    assert (line["quantity"], line["returned_quantity"]) == (sold, sold)
    assert api.get(f"transactions/{sale['id']}").json()["refundable_fen"] == 0
    assert TransactionLine.objects.get().reserved_fen == 1_000


def test_of_one_article_at_two_prices_the_dearer_is_for_a_person(api: Api) -> None:
    sale = _sale(api, [_line("A", 10_000), _line("A", 5_000)]).json()

    dearer, cheaper = _ask(api, sale, 10_000, ("A", 1)), _ask(api, sale, 5_000, ("A", 1))

    assert (dearer.json()["state"], _rule(dearer, "cheaper_piece")["passed"]) == ("in_review", False)
    assert cheaper.json()["state"] == "approved"
    assert [line["returned_quantity"] for line in api.get(f"transactions/{sale['id']}").json()["lines"]] == [1, 1]


def test_the_cheaper_of_two_prices_is_given_whichever_line_stands_first(api: Api) -> None:
    sale = _sale(api, [_line("A", 10_000), _line("A", 5_000)]).json()

    answer = _ask(api, sale, 5_000, ("A", 1))

    assert answer.json()["state"] == "approved"
    assert _rule(answer, "cheaper_piece")["passed"] is True
    assert [line["returned_quantity"] for line in api.get(f"transactions/{sale['id']}").json()["lines"]] == [0, 1]


@pytest.mark.parametrize(
    ("line", "amount_fen"),
    [
        (_line("G", 0, kind="gift"), 6_000),
        (_line("", -600, kind="discount"), 5_400),
        (_line("", -600), 5_400),
        (_line("", -30, kind="rounding"), 5_970),
        ({"name": "抹零", "kind": "rounding", "amount_fen": -30}, 5_970),
        ({"sku": "D", "name": "满减", "quantity": -1, "unit_price_fen": 600, "amount_fen": -600}, 5_400),
        ({"name": "会员折扣", "kind": "discount", "quantity": 0, "unit_price_fen": 0, "amount_fen": -600}, 5_400),
        (_line("P", 200, kind="deposit"), 6_000),
    ],
)
def test_gift_discount_rounding_and_deposit_are_reckoned_and_not_refused(
    api: Api, line: dict[str, Any], amount_fen: int
) -> None:
    answer = _sale(api, [_line("A", 6_000), line])
    assert answer.status_code == 201, answer.content

    back = _ask(api, answer.json(), amount_fen, ("A", 1))

    assert back.json()["state"] == "approved", back.content
    if line.get("sku") == "P":
        assert _ask(api, answer.json(), 200, ("P", 1), reason="deposit").status_code == 201


@pytest.mark.parametrize("reason", ["price_adjustment", "goodwill", "service_failure"])
def test_money_for_an_article_leaves_the_piece_with_the_customer(api: Api, reason: str) -> None:
    sale = _sale(api, _TEN_PERCENT_OFF).json()

    assert _ask(api, sale, 1_000, ("A", 1), reason=reason).status_code == 201
    line = api.get(f"transactions/{sale['id']}").json()["lines"][0]
    assert line["returned_quantity"] == 0

    # It lowered what the piece is worth: together never more than was paid for it.
    back = _ask(api, sale, 4_400, ("A", 1))
    assert (back.json()["state"], _rule(back, "articles_cover_amount")["limit"]) == ("approved", "44.00")
    assert api.get(f"transactions/{sale['id']}").json()["lines"][0]["returned_quantity"] == 1


@pytest.mark.parametrize(
    ("lines", "adjustment", "pieces", "limits"),
    [
        ([_line("A", 2_000, 2)], (400, 2), (1, 1), ["8.00", "8.00"]),
        ([_line("A", 3_000, 3), _line("", -300, kind="discount")], (100, 3), (1, 2), ["8.66", "17.34"]),
    ],
)
def test_money_for_several_pieces_is_shared_over_them_when_they_come_back(
    api: Api,
    lines: list[dict[str, Any]],
    adjustment: tuple[int, int],
    pieces: tuple[int, ...],
    limits: list[str],
) -> None:
    sale = _sale(api, lines).json()
    assert _ask(api, sale, adjustment[0], ("A", adjustment[1]), reason="price_adjustment").status_code == 201
    for count, limit in zip(pieces, limits, strict=True):
        fen = round(float(limit) * 100)
        quote = _ask(api, sale, fen, ("A", count))
        assert _rule(quote, "articles_cover_amount")["limit"] == limit
    assert sum(line.reserved_fen for line in TransactionLine.objects.all()) == sale["amount_fen"]


def test_an_approval_of_less_leaves_the_piece_with_the_customer(api: Api) -> None:
    sale = _sale(api, [_line("A", 50_000)]).json()
    asked = RefundRequest.objects.get(pk=_ask(api, sale, 50_000, ("A", 1)).json()["id"])
    line = TransactionLine.objects.get()
    assert (line.reserved_quantity, line.reserved_fen) == (1, 50_000)

    manager = of_staff(make_staff(api.merchant, "manager"))
    deciding.approve(request_id=asked.pk, by=manager, at=timezone.now(), version=asked.version, amount_fen=10_000)

    line.refresh_from_db()
    assert (line.reserved_quantity, line.reserved_fen) == (0, 10_000)
    assert _rule(_ask(api, sale, 40_000, ("A", 1)), "articles_cover_amount")["passed"] is True


@pytest.mark.parametrize("quantity", [0.356, 1.0, 1, 12.5, 1.1 + 2.2])
def test_quantity_with_up_to_three_decimals_is_read(api: Api, quantity: float) -> None:
    sale = _sale(api, [_line("A", 1_000, quantity)])

    assert sale.status_code == 201, sale.content
    assert sale.json()["lines"][0]["quantity"] == round(quantity, 3)


@pytest.mark.parametrize("quantity", ["1", "0.356", 0, -1, 0.3565, True, None, 1e400])
def test_quantity_that_is_none_is_refused_by_name(api: Api, quantity: object) -> None:
    line = {**_line("A", 1_000), "quantity": quantity}
    body = _sale(api, [line])

    assert body.status_code == 400
    if body.json()["code"] == "invalid_input":
        (error,) = body.json()["errors"]
        assert error["field"] == "lines.0.quantity"
        assert error["code"] in {"invalid_quantity", "null"}
    assert not Transaction.objects.exists()


@pytest.mark.parametrize(
    ("lines", "amount_fen", "difference_fen"),
    [
        ([_line("A", 5_000)], 1_000, 4_000),
        ([_line("A", 6_000), _line("B", 4_000)], 9_000, 1_000),
        ([_line("A", 1)], 2, -1),
    ],
)
def test_lines_that_do_not_come_to_what_was_paid_are_refused_with_the_difference(
    api: Api, lines: Sequence[dict[str, Any]], amount_fen: int, difference_fen: int
) -> None:
    answer = _sale(api, lines, amount_fen)

    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "lines_do_not_add_up")
    assert (told["lines_fen"] - told["amount_fen"], told["difference_fen"]) == (difference_fen, difference_fen)
    if difference_fen > 0:
        assert "kind discount" in told["detail"]
    assert not Transaction.objects.exists()


def test_lines_of_an_order_with_several_payments_come_to_the_order(api: Api) -> None:
    lines = [_line("A", 20_000), _line("B", 10_000)]

    first = _sale(api, lines, 20_000, order_no="W-two", order_amount_fen=30_000)
    second = _sale(api, lines, 10_000, order_no="W-two")

    assert (first.status_code, second.status_code) == (201, 201), first.content + second.content


@pytest.mark.parametrize("change", [{"amount_fen": 7_000}, {"lines": [_line("A", 1_000)]}])
def test_correction_after_which_lines_and_total_differ_changes_nothing(api: Api, change: dict[str, Any]) -> None:
    sale = _sale(api, [_line("A", 6_000)]).json()

    answer = api.post(f"transactions/{sale['id']}/corrections", {**change, "reason": "录错"})

    assert (answer.status_code, answer.json()["code"]) == (422, "lines_do_not_add_up"), answer.content
    now = api.get(f"transactions/{sale['id']}").json()
    assert (now["amount_fen"], now["lines"]) == (sale["amount_fen"], sale["lines"])


def test_a_hundredth_of_what_comes_back_is_looked_at_as_yuan_sent_for_fen(api: Api) -> None:
    sale = _sale(api, [_line("A", 19_800), _line("B", 10_000)]).json()
    answer = _ask(api, sale, 198, ("A", 1))
    assert (answer.json()["state"], _rule(answer, "amount_in_fen")["limit"]) == ("in_review", "198.00")
    assert _ask(api, sale, 100, ("B", 1), reason="service_failure").json()["state"] == "approved"


def test_lines_of_an_order_are_worth_the_same_wherever_they_are_read(api: Api) -> None:
    lines = [_line("A", 20_000), _line("B", 10_000)]
    first = _sale(api, lines, 20_000, order_no="W-two", order_amount_fen=30_000).json()
    _sale(api, lines, 10_000, order_no="W-two")
    for path in ("orders/W-two", f"transactions/{first['id']}"):
        assert [line["worth_fen"] for line in api.get(path).json()["lines"]] == [20_000, 10_000]


def test_a_round_paid_for_by_itself_has_no_part_in_another_rounds_discount(api: Api) -> None:
    first = _sale(api, [_line("A", 6_000)], order_no="T7").json()
    _sale(api, [_line("B", 4_000), _line("", -1_000)], order_no="T7")
    assert [line["worth_fen"] for line in api.get("orders/T7").json()["lines"]] == [6_000, 3_000, 0]
    assert _rule(_ask(api, first, 6_000, ("A", 1)), "articles_cover_amount")["limit"] == "60.00"


def test_a_gift_that_no_discount_takes_off_was_paid_for(api: Api) -> None:
    sale = _sale(api, [_line("A", 6_000), _line("G", 1_000, kind="gift")]).json()
    assert [line["worth_fen"] for line in sale["lines"]] == [6_000, 1_000]
    free = _sale(api, [_line("A", 6_000), _line("G", 1_000, kind="gift"), _line("", -1_000)]).json()
    assert [line["worth_fen"] for line in free["lines"]] == [6_000, 0, 0]


def test_a_deposit_with_its_bottles_number_comes_back_for_any_reason_at_its_price(api: Api) -> None:
    sale = _sale(api, [_line("P", 6_000), _line("P", 200, kind="deposit")]).json()
    assert _ask(api, sale, 200, ("P", 1), reason="no_reason").status_code == 201
    assert _ask(api, sale, 6_000, ("P", 1)).status_code == 201
    assert [line["returned_quantity"] for line in api.get(f"transactions/{sale['id']}").json()["lines"]] == [1, 1]


@pytest.mark.parametrize("name", ["宫保鸡丁（大份）", "Kung Pao chicken, large"])
def test_an_article_without_a_number_is_claimed_by_its_name_and_its_pieces_count(api: Api, name: str) -> None:
    dish = {"name": name, "quantity": 2, "unit_price_fen": 3_800, "amount_fen": 7_600}
    sale = _sale(api, [dish, _line("", 600)]).json()
    states = [_ask(api, sale, 3_800, (name, 1), is_another=True).json().get("state") for _ in range(2)]
    third = _ask(api, sale, 600, (name, 1))
    assert (states, third.json()["code"]) == (["approved", "approved"], "exceeds_quantity")
    assert api.get(f"transactions/{sale['id']}").json()["lines"][0]["returned_quantity"] == 2


def test_of_buy_one_get_one_free_under_one_number_the_discount_is_the_free_ones(api: Api) -> None:
    free = _line("A", 6_000, kind="gift")
    for lines in ([_line("A", 6_000), free, _line("A", -6_000)], [free, _line("A", 6_000), _line("A", -7_000)]):
        sale = _sale(api, lines).json()
        paid_fen = sum(line["amount_fen"] for line in lines)
        worths = {line["kind"]: line["worth_fen"] for line in sale["lines"]}
        assert worths == {"article": paid_fen, "gift": 0, "discount": 0}
        assert _ask(api, sale, paid_fen, ("A", 1)).json()["state"] == "approved"


@pytest.mark.parametrize(
    ("lines", "amount_fen", "pieces"),
    [
        ([_line("A", 334), _line("A", 333), _line("A", 333)], 334, 1),
        ([_line("A", 1_000, 3), _line("A", 333)], 1_000, 3),
        ([{**_line("A", 12_441, 6.25), "unit_price_fen": 1_990}, _line("A", 995, 0.5)], 12_441, 6.25),
    ],
    ids=["3 for 10.00 in three lines", "a price of 3.333", "a price of 19.905 a kilogram"],
)
def test_a_fen_of_rounding_is_no_other_price(
    api: Api, lines: Sequence[dict[str, Any]], amount_fen: int, pieces: float
) -> None:
    answer = _ask(api, _sale(api, lines).json(), amount_fen, ("A", pieces))
    assert (answer.json()["state"], _rule(answer, "cheaper_piece")) == ("approved", None)


@pytest.mark.parametrize(("back", "amount_fen"), [(0.412, 820), (0.356, 708)])
def test_of_two_bags_of_one_weighed_article_the_one_of_that_weight_comes_back(
    api: Api, back: float, amount_fen: int
) -> None:
    bags = [{**_line("A", fen, kilos), "unit_price_fen": 1_990} for kilos, fen in ((0.356, 708), (0.412, 820))]
    sale = _sale(api, bags).json()
    answer = _ask(api, sale, amount_fen, ("A", back))
    assert (answer.json()["state"], _rule(answer, "articles_cover_amount")["passed"]) == ("approved", True)
    returned = [line["returned_quantity"] for line in api.get(f"transactions/{sale['id']}").json()["lines"]]
    assert sorted(returned) == [0, back]


def test_tax_on_top_that_is_missing_in_the_lines_is_hinted_at(api: Api) -> None:
    answer = _sale(api, [_line("A", 10_000)], 10_600)
    assert (answer.status_code, "tax" in answer.json()["detail"]) == (422, True)
