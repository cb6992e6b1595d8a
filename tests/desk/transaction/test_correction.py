"""Setting right at the desk what was reported of a sale: who may, what is kept, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from core.audit.models import AuditEvent
from merchants.models import Role, Staff
from merchants.principals import of_staff
from terminals import correcting
from terminals.correcting import SaleCorrection
from terminals.models import Transaction
from terminals.versions import CORRECTED
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db

SignIn = Callable[[Staff], Client]


def _post(client: Client, sale: Transaction, **form: str) -> Any:
    return client.post(f"/desk/transactions/{sale.pk}/correct", {"seen": "", **form})


def _unchanged(sale: Transaction) -> None:
    again = Transaction.objects.get(pk=sale.pk)
    assert (again.amount_fen, again.cashier, again.corrected_at) == (sale.amount_fen, sale.cashier, None)
    assert not AuditEvent.objects.filter(action=CORRECTED).exists()


def test_correct_when_finance_says_why_changes_only_that_and_shows_who_what_and_why(
    shop: Shop, as_staff: SignIn
) -> None:
    sale = make_sale(shop.merchant, 33_980, phone="13800006021")
    finance = as_staff(shop.finance)

    answer = _post(finance, sale, amount="300.00", cashier="C009", reason="小票录错", **{"line-0-amount": "300.00"})

    assert answer.status_code == 302
    done = Transaction.objects.get(pk=sale.pk)
    assert (done.amount_fen, done.cashier, done.payer_phone) == (30_000, "C009", "13800006021")
    assert (done.order_no, done.paid_at, done.store_id) == (sale.order_no, sale.paid_at, sale.store_id)
    page = as_staff(shop.reviewer).get(f"/desk/transactions/{sale.pk}").content.decode()
    for said in (shop.finance.name, "小票录错", "¥339.80", "¥300.00", "C009"):
        assert said in page
    assert 'id="correct"' not in page


def test_correct_when_the_payer_is_corrected_shows_neither_phone(shop: Shop, as_staff: SignIn) -> None:
    sale = make_sale(shop.merchant, 33_980, phone="13800006021")
    finance = as_staff(shop.finance)

    _post(finance, sale, payer_phone="138-0000 6022", reason="手机号错")

    assert Transaction.objects.get(pk=sale.pk).payer_phone == "13800006022"
    page = finance.get(f"/desk/transactions/{sale.pk}").content.decode()
    assert "13800006021" not in page
    assert "13800006022" not in page


def test_correct_when_a_line_is_corrected_keeps_the_others(shop: Shop, as_staff: SignIn) -> None:
    sale = make_sale(shop.merchant, 33_980)
    (line, *others) = sale.lines.order_by("position")
    before = [(other.sku, other.quantity, other.amount_fen) for other in others]

    answer = _post(as_staff(shop.finance), sale, **{"line-0-unit_price": "1.00"}, reason="单价录错")

    assert answer.status_code == 302
    line.refresh_from_db()
    assert line.unit_price_fen == 100
    assert [(other.sku, other.quantity, other.amount_fen) for other in sale.lines.order_by("position")[1:]] == before


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"amount": "300.00", "reason": ""}, 422, "Say why; the reason"),
        ({"reason": "无"}, 422, "Change at least one fact"),
        ({"amount": "1e2", "reason": "无"}, 422, "Write the amount in digits"),
        ({"amount": "100.00", "reason": "无"}, 409, "must still cover them"),
        ({"paid_at": "2031-01-01T10:00:00", "reason": "无"}, 422, "in the future"),
        ({"terminal": "POS-99", "reason": "无"}, 422, "no till of that number"),
        ({"payer_phone": "abc", "reason": "无"}, 422, "no phone number"),
        ({"card_last4": "12a", "reason": "无"}, 422, "last four digits"),
        ({"line-0-quantity": "0", "reason": "无"}, 422, "A number above zero"),
        ({"cashier": "C7", "reason": "无", "seen": "2026-01-01T00:00:00+00:00"}, 409, "corrected this sale meanwhile"),
    ],
    ids=["why", "nothing", "amount", "covered", "future", "till", "phone", "card", "pieces", "meanwhile"],
)
def test_correct_when_it_is_refused_keeps_what_was_typed_and_changes_nothing(
    shop: Shop, as_staff: SignIn, form: dict[str, str], status: int, said: str
) -> None:
    sale = make_sale(shop.merchant, 33_980)
    make_request(sale, 26_800)
    sale = Transaction.objects.get(pk=sale.pk)

    answer = _post(as_staff(shop.finance), sale, **form)

    page = answer.content.decode()
    assert (answer.status_code, said in page) == (status, True)
    for typed in form.values():
        assert typed in page
    _unchanged(sale)


def test_correct_when_a_colleague_corrected_it_meanwhile_is_refused(shop: Shop, as_staff: SignIn) -> None:
    sale = make_sale(shop.merchant, 33_980)
    correcting.correct_sale(
        transaction_id=sale.pk,
        correction=SaleCorrection(cashier="C1"),
        reason="x",
        by=of_staff(shop.finance),
        at=sale.paid_at,
    )

    assert _post(as_staff(make_staff(shop.merchant, Role.OWNER)), sale, cashier="C2", reason="y").status_code == 409
    assert Transaction.objects.get(pk=sale.pk).cashier == "C1"


@pytest.mark.parametrize("role", [Role.CASHIER, Role.REVIEWER, Role.MANAGER])
def test_correct_when_the_role_may_not_is_forbidden_and_not_offered(shop: Shop, as_staff: SignIn, role: Role) -> None:
    sale = make_sale(shop.merchant, 33_980)
    client = as_staff(make_staff(shop.merchant, role))

    assert _post(client, sale, amount="300.00", reason="x").status_code == 403
    assert "Correct this sale" not in client.get(f"/desk/transactions/{sale.pk}").content.decode()
    _unchanged(sale)


def test_correct_when_it_is_another_merchants_is_not_found(shop: Shop, as_staff: SignIn) -> None:
    sale = make_sale(make_merchant(), 33_980)

    assert _post(as_staff(shop.finance), sale, amount="300.00", reason="x").status_code == 404
    _unchanged(sale)
