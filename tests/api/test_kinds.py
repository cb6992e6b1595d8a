"""Every kind of refund through REST: what each reason asks for, what is approved at once, and what goes to a person and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from refunds.rules.policy import KIND_OF_REASON
from refunds.states import Reason
from samples.demo import rules
from terminals.models import Deposit, Transaction
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_sale
from tests.together import asked_together

pytestmark = pytest.mark.django_db

#: reason, what is asked of a sale of 100.00, what else stands there, and the lines that send it to a person.
KINDS: list[tuple[str, int, str, set[str]]] = [
    (Reason.QUALITY, 5_000, "", set()),
    (Reason.QUALITY, 10_000, "", set()),
    (Reason.NOT_AS_DESCRIBED, 5_000, "", set()),
    (Reason.NO_REASON, 5_000, "", set()),
    (Reason.SERVICE_FAILURE, 3_000, "", set()),
    (Reason.SERVICE_FAILURE, 3_001, "", {"reason_share"}),
    (Reason.SERVICE_FAILURE, 10_000, "", {"reason_share", "reason_extent"}),
    (Reason.PRICE_ADJUSTMENT, 2_000, "", set()),
    (Reason.WRONG_AMOUNT, 2_000, "", set()),
    (Reason.DUPLICATE_CHARGE, 10_000, "twice", set()),
    (Reason.DUPLICATE_CHARGE, 9_999, "twice", {"reason_extent"}),
    (Reason.DUPLICATE_CHARGE, 10_000, "", {"second_charge"}),
    (Reason.DUPLICATE_CHARGE, 10_000, "twice and late", {"fault_in_time"}),
    (Reason.SYSTEM_FAULT, 10_000, "twice", set()),
    (Reason.SYSTEM_FAULT, 10_000, "", {"second_charge"}),
    (Reason.NETWORK_FAULT, 10_000, "twice", set()),
    (Reason.NETWORK_FAULT, 10_000, "twice and late", {"fault_in_time"}),
    (Reason.OPERATOR_ERROR, 10_000, "twice", set()),
    (Reason.OPERATOR_ERROR, 2_000, "", {"second_charge"}),
    (Reason.CUSTOMER_CANCELLED, 10_000, "", set()),
    (Reason.GOODWILL, 500, "", {"instant_reason"}),
    (Reason.DEPOSIT, 10_000, "our breach", {"instant_reason", "deposit_doubled"}),
    (Reason.DEPOSIT, 10_000, "nobody's fault", {"instant_reason"}),
]


def sale_of(api: Api, besides: str) -> tuple[Transaction, dict[str, Any]]:
    """A sale as it is before a case, and what a request says beside reason and amount."""
    ago = timedelta(hours=30 if "late" in besides else 1)
    fields: dict[str, Any] = {"phone": "13800138000", "paid_at": timezone.now() - ago}
    if besides.startswith("twice"):
        make_sale(api.merchant, **{**fields, "paid_at": fields["paid_at"] - timedelta(minutes=1)})
    if besides in _CAUSES:
        fields["kind"] = "deposit"
    sale = make_sale(api.merchant, **fields)
    if besides not in _CAUSES:
        return sale, {}
    Deposit.objects.create(
        transaction=sale,
        kind="earnest",
        contract_fen=100_000,
        terms="婚宴 12 桌",
        recorded_by="till",
        recorded_at=timezone.now(),
    )
    return sale, {"deposit": {"cause": _CAUSES[besides]}}


_CAUSES = {"our breach": "merchant_breaks", "nobody's fault": "force_majeure"}


def test_every_reason_is_of_a_kind_and_has_cases() -> None:
    assert {reason for reason, *_ in KINDS} == set(KIND_OF_REASON) == set(Reason.values)


def test_every_kind_is_approved_or_goes_to_a_person_and_says_why() -> None:
    api = api_for(make_merchant(rules=rules.RETAIL))
    with asked_together() as asked:
        for reason, amount_fen, besides, lines in KINDS:
            with asked(reason, amount_fen, besides):
                sale, more = sale_of(api, besides)
                wish = {"transaction": str(sale.pk), "amount_fen": amount_fen, "reason": reason, **more}
                answer = api.post("refund-requests", {**wish, "customer_consent": True})
                assert answer.status_code == 201, answer.content
                told = answer.json()
                failed = {line["code"] for line in told["verdict"]["rules"] if not line["passed"]}
                assert failed == lines, failed
                assert told["state"] == ("in_review" if lines else "approved")
                assert told["kind"] == KIND_OF_REASON[reason]
                assert api.get(f"refund-requests/{told['id']}").json()["reason"] == reason
