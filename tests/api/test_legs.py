"""A failed leg by REST: sent out again, moved to a person, given up; each only as it was seen."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from refunds.models import RefundRequest
from terminals.models import Transaction
from tests.api.conftest import Session, api_for, session_for
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.refunds.plans import WIDE, answer, ask, held, order_of_two
from tests.refunds.settled import failed

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api_urls")]

RULES = {**WIDE, "routes": ["original", "cash", "store_credit", "bank_transfer"]}
_ACCOUNT = {"holder_name": "王敏", "account_no": "6222000012345678", "bank_name": "工商银行"}
_BODIES: dict[str, dict[str, Any]] = {
    "retry": {},
    "move": {"route": "bank_transfer", "customer_consent": True, "payee": _ACCOUNT},
    "give-up": {"note": "换货"},
}


def _half_paid() -> tuple[RefundRequest, tuple[Transaction, Transaction]]:
    order = order_of_two(rules=RULES)
    request = ask(order[0])
    answer(request, 1)
    return answer(request, 2, "refused"), order


def _session(request: RefundRequest, role: str = "finance") -> Session:
    return session_for(make_staff(request.merchant, role))


def _post(session: Any, request: RefundRequest, act: str, leg: int = 2, **more: Any) -> Any:
    body = {"version": request.version, **_BODIES[act], **more}
    return session.post(f"refund-requests/{request.pk}/legs/{leg}/{act}", body)


def test_retry_when_a_leg_failed_only_that_goes_out_again() -> None:
    request, order = _half_paid()
    taken = _post(_session(request), request, "retry")
    assert (taken.status_code, taken.json()["state"]) == (200, "partially_refunded")
    assert [leg["state"] for leg in taken.json()["plan"]["legs"]] == ["succeeded", "ready"]
    assert answer(request, 2).state == "refunded"
    assert held(*order) == [(20_000, 20_000, 1), (10_000, 10_000, 1)]


def test_retry_when_every_leg_failed_and_one_is_named_the_other_waits_for_a_person() -> None:
    order = order_of_two(rules=RULES)
    request = ask(order[0])
    answer(request, 1, "refused")
    request = answer(request, 2, "refused")
    taken = _post(_session(request), request, "retry", leg=1)
    assert (taken.status_code, taken.json()["state"]) == (200, "approved")
    request = answer(request, 1)
    assert (request.state, held(*order)) == ("partially_refunded", [(20_000, 20_000, 1), (10_000, 0, 1)])
    given_up = _post(_session(request), request, "give-up").json()
    assert (given_up["state"], given_up["refunded_fen"]) == ("refunded", 20_000)


def test_retry_when_it_is_an_everyday_refund_it_is_leg_one() -> None:
    request = failed(make_request(make_sale(make_merchant())))
    taken = _post(_session(request), request, "retry", leg=1)
    assert (taken.status_code, taken.json()["state"]) == (200, "approved")


def test_move_when_a_transfer_takes_its_place_a_person_pays_it() -> None:
    request, _ = _half_paid()
    taken = _post(_session(request), request, "move")
    assert taken.status_code == 200
    leg = taken.json()["plan"]["legs"][1]
    assert (leg["route"], leg["why"]["code"], leg["state"]) == ("bank_transfer", "moved", "ready")
    assert "6222000012345678" not in taken.content.decode()


def test_give_up_when_it_is_the_last_the_refund_ends_with_what_was_paid() -> None:
    request, order = _half_paid()
    taken = _post(_session(request), request, "give-up").json()
    assert (taken["state"], taken["refunded_fen"], taken["plan"]["legs"][1]["state"]) == (
        "refunded",
        20_000,
        "given_up",
    )
    assert held(*order) == [(20_000, 20_000, 1), (0, 0, 0)]


@pytest.mark.parametrize("act", _BODIES)
@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"version": 1}, 409, "version_conflict"),
        ({"leg": 1}, 409, "state_conflict"),
        ({"leg": 3}, 404, "not_found"),
        ({"leg": 0}, 404, "not_found"),
        ({"version": None}, 400, "invalid_input"),
        ({"amount_fen": 5}, 400, "invalid_input"),
    ],
)
def test_act_on_leg_when_it_is_not_as_seen_nothing_changes(
    act: str, change: dict[str, Any], status: int, code: str
) -> None:
    request, order = _half_paid()
    refused = _post(_session(request), request, act, **change)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.content
    assert refused["Content-Type"].startswith("application/problem+json")
    assert RefundRequest.objects.get(pk=request.pk).version == request.version
    assert held(*order) == [(20_000, 20_000, 1), (10_000, 0, 1)]


@pytest.mark.parametrize("act", _BODIES)
@pytest.mark.parametrize(
    ("who", "code"), [("cashier", "role_required"), ("reviewer", "role_required"), ("key", "staff_only")]
)
def test_act_on_leg_when_the_right_is_missing_nothing_changes(act: str, who: str, code: str) -> None:
    request, order = _half_paid()
    caller = api_for(request.merchant) if who == "key" else _session(request, who)
    refused = _post(caller, request, act)
    assert (refused.status_code, refused.json()["code"]) == (403, code)
    assert RefundRequest.objects.get(pk=request.pk).version == request.version
    assert held(*order) == [(20_000, 20_000, 1), (10_000, 0, 1)]


@pytest.mark.parametrize("act", _BODIES)
def test_act_on_leg_when_the_refund_is_anothers_it_is_not_there(act: str) -> None:
    request, _ = _half_paid()
    stranger = session_for(make_staff(make_merchant(), "owner"))
    assert _post(stranger, request, act).status_code == 404
    assert stranger.post(f"refund-requests/{uuid4()}/legs/1/{act}", {"version": 1}).status_code == 404


def test_move_when_the_route_is_none_on_which_a_person_pays_nothing_changes() -> None:
    request, order = _half_paid()
    refused = _post(_session(request), request, "move", route="original", payee=None)
    assert (refused.status_code, refused.json()["code"]) == (422, "route_not_for_a_leg")
    assert held(*order) == [(20_000, 20_000, 1), (10_000, 0, 1)]


@pytest.mark.parametrize(
    ("act", "state", "legs"), [("move", "partially_refunded", 30_000), ("give-up", "refunded", 20_000)]
)
def test_act_on_leg_when_its_account_takes_no_calls_it_goes_on_without_it(act: str, state: str, legs: int) -> None:
    order = order_of_two(rules=RULES)
    request = ask(order[0])
    answer(request, 1)
    request = answer(request, 2, "barred")
    taken = _post(_session(request), request, act)
    assert (taken.status_code, taken.json()["state"]) == (200, state), taken.content
    assert sum(reserved for reserved, _, _ in held(*order)) == legs


def test_give_up_when_nothing_else_is_paid_all_of_it_has_failed_and_is_told_truly() -> None:
    order = order_of_two(rules=RULES)
    request = ask(order[0])
    answer(request, 1, "barred")
    request = answer(request, 2, "barred")
    session = _session(request)
    first = _post(session, request, "give-up", leg=1).json()
    assert (first["state"], first["plan"]["legs"][0]["state"]) == ("executing", "failed")
    request = RefundRequest.objects.get(pk=request.pk)
    last = _post(session, request, "give-up", leg=2).json()
    assert (last["state"], held(*order)) == ("failed", [(0, 0, 0), (0, 0, 0)])
    assert {row["stand"] for row in last["executions"]} == {"account_given_up"}


def test_move_when_the_original_route_is_named_it_says_why_not() -> None:
    request, _ = _half_paid()
    refused = _post(_session(request), request, "move", route="original", payee=None)
    assert (refused.status_code, refused.json()["code"]) == (422, "route_not_for_a_leg")
    assert RefundRequest.objects.get(pk=request.pk).version == request.version
