"""A deposit's way through REST: terms beforehand, why it ends, what the rule makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from core.audit.models import AuditEvent
from refunds.models import RefundRequest
from refunds.rules import explanations
from terminals.models import Transaction
from tests import papers
from tests.api.conftest import Api, api_for
from tests.factories import RULES, make_sale
from tests.refunds.intake.test_evidence import send
from tests.refunds.limited import body, failing, shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def api() -> Api:
    """A shop whose rules would let a deposit go by themselves."""
    return api_for(
        shop(auto_approve_limit_fen=1_000_000, reasons={**RULES["reasons"], "deposit": RULES["reasons"]["quality"]})
    )


def paid(api: Api, kind: str = "earnest", amount_fen: int = 30_000, contract_fen: int = 100_000) -> Transaction:
    sale = make_sale(api.merchant, amount_fen, kind="deposit")
    answer = terms(api, sale, kind=kind, contract_amount_fen=contract_fen)
    assert answer.status_code == 200, answer.content
    return sale


def terms(api: Api, sale: Transaction, **fields: Any) -> Any:
    said = {"kind": "earnest", "contract_amount_fen": 100_000, "terms": "婚宴 12 桌", **fields}
    return api.post(f"transactions/{sale.pk}/deposit", said)


def ends(api: Api, sale: Transaction, amount_fen: int, cause: str, **more: Any) -> Any:
    named = [name for name in ("deduction_fen", "open_percent", "agreement") if name in more]
    claim: dict[str, Any] = {"cause": cause, **{name: more.pop(name) for name in named}}
    return api.post("refund-requests", body(sale, amount_fen, reason="deposit", deposit=claim, **more))


def test_submit_when_the_rule_gives_all_back_is_approved_by_rule(api: Api) -> None:
    answer = ends(api, paid(api), 30_000, "force_majeure")
    assert (answer.status_code, answer.json()["state"]) == (201, "approved")


def test_submit_when_the_customer_breaks_the_contract_a_person_keeps_at_most_a_fifth(api: Api) -> None:
    found = ends(api, paid(api), 10_000, "customer_breaks").json()
    assert failing(found) == {"deposit_forfeited": ("200.00", "100")}
    lines = {rule["code"]: rule for rule in found["verdict"]["rules"]}
    assert (lines["deposit_cap"]["actual"], lines["deposit_settled"]["passed"]) == ("100.00", True)
    assert "20%" in explanations.explain(lines["deposit_cap"])


def test_submit_when_the_merchant_breaks_the_contract_says_what_is_owed_on_top(api: Api) -> None:
    found = ends(api, paid(api), 30_000, "merchant_breaks").json()
    assert failing(found) == {"deposit_doubled": ("200.00", "100")}


def test_submit_when_another_amount_is_agreed_a_person_decides_and_it_is_kept(api: Api) -> None:
    found = ends(api, paid(api), 20_000, "customer_breaks", agreement="改期，只扣 100").json()
    assert failing(found)["deposit_settled"] == ("200.00", "100.00")
    request = RefundRequest.objects.get()
    assert request.deposit == {
        "cause": "customer_breaks",
        "open_percent": 100,
        "deduction_fen": 0,
        "agreement": "改期，只扣 100",
    }
    assert AuditEvent.objects.get(action="refund.submit").data["agreement"] == "改期，只扣 100"


def test_submit_when_something_is_deducted_wants_proof(api: Api) -> None:
    first, second = (paid(api, "security") for _ in range(2))
    found = ends(api, first, 25_000, "performed", deduction_fen=5_000).json()
    assert failing(found)["deduction_proven"] == ("none", "document, photo, receipt")
    paper = send(api, "a", papers.upload(), "document").json()["id"]
    proven = ends(api, second, 25_000, "performed", deduction_fen=5_000, evidence=[paper]).json()
    assert failing(proven) == {"deposit_deduction": ("50.00", "300.00")}


@pytest.mark.parametrize(
    ("kind", "claim", "code"),
    [
        ("earnest", None, "deposit_cause_missing"),
        ("earnest", {"cause": "performed", "deduction_fen": 1}, "no_deduction"),
        ("security", {"cause": "performed", "deduction_fen": 30_001}, "no_deduction"),
    ],
)
def test_submit_when_the_claim_does_not_fit_takes_nothing_in(
    api: Api, kind: str, claim: dict[str, Any] | None, code: str
) -> None:
    sale = paid(api, kind)
    answer = api.post("refund-requests", body(sale, 1_000, reason="deposit", deposit=claim))
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not RefundRequest.objects.exists()


def test_submit_when_no_terms_are_recorded_has_no_rule_to_claim(api: Api) -> None:
    sale = make_sale(api.merchant, 30_000, kind="deposit")
    answer = ends(api, sale, 1_000, "performed")
    assert (answer.status_code, answer.json()["code"]) == (422, "no_deposit_terms")
