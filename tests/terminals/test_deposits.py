"""The terms of a deposit: recorded beforehand, once."""

from __future__ import annotations

import pytest

from core.audit.models import AuditEvent
from terminals.models import Deposit
from tests.api.conftest import Api, api_for
from tests.factories import make_sale
from tests.refunds.intake.test_deposits import paid, terms
from tests.refunds.limited import body, shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return api_for(shop())


def test_record_terms_when_other_terms_follow_keeps_the_first(api: Api) -> None:
    sale = paid(api)
    assert terms(api, sale).status_code == 200
    answer = terms(api, sale, kind="advance")
    assert (answer.status_code, answer.json()["code"]) == (409, "deposit_terms_differ")
    assert Deposit.objects.get().kind == "earnest"
    assert AuditEvent.objects.filter(action="transaction.deposit_terms").count() == 1


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("sale", {}, "no_deposit"),
        ("deposit", {"contract_amount_fen": 29_999}, "deposit_above_contract"),
    ],
)
def test_record_terms_when_they_do_not_fit_is_refused(api: Api, kind: str, fields: dict[str, int], code: str) -> None:
    answer = terms(api, make_sale(api.merchant, 30_000, kind=kind), **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not Deposit.objects.exists()


def test_record_terms_when_a_refund_was_asked_for_is_too_late(api: Api) -> None:
    sale = make_sale(api.merchant, 30_000, kind="deposit")
    api.post("refund-requests", body(sale, 1_000, reason="deposit"))
    assert terms(api, sale).json()["code"] == "deposit_terms_too_late"
    assert not Deposit.objects.exists()
