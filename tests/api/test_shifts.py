"""Shifts over REST."""

from __future__ import annotations

from typing import Any

import pytest

from refunds.models import Shift
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant


@pytest.mark.parametrize(
    "body",
    [{"counted_fen": -1}, {"counted_fen": 1.5}, {}, {"counted_fen": 0, "expected_fen": 0}, {"counted_fen": True}],
)
def test_close_when_the_body_is_wrong_is_refused(api: Api, body: dict[str, Any]) -> None:
    shift = api.post("shifts", {"terminal": "POS-01", "float_fen": 0}).json()
    assert api.post(f"shifts/{shift['id']}/close", body).status_code == 400
    assert Shift.objects.get().closed_at is None


def test_close_when_the_count_differs_says_what_is_expected(api: Api) -> None:
    shift = api.post("shifts", {"terminal": "POS-01", "float_fen": 500}).json()
    answer = api.post(f"shifts/{shift['id']}/close", {"counted_fen": 400})
    assert (answer.status_code, answer.json()["code"], answer.json()["expected_fen"]) == (422, "count_differs", 500)
    assert api.post(f"shifts/{shift['id']}/close", {"counted_fen": 400, "note": "x"}).json()["counted_fen"] == 400


def test_open_when_one_is_open_names_it_so_that_it_can_be_closed(api: Api) -> None:
    shift = api.post("shifts", {"terminal": "POS-01", "float_fen": 500}).json()
    answer = api.post("shifts", {"terminal": "POS-01", "float_fen": 0})
    assert (answer.status_code, answer.json()["code"], answer.json()["shift"]) == (409, "shift_is_open", shift["id"])
    assert api.post(f"shifts/{answer.json()['shift']}/close", {"counted_fen": 500}).status_code == 200


def test_shift_of_another_merchant_is_a_404(api: Api) -> None:
    shift = api.post("shifts", {"terminal": "POS-01", "float_fen": 0}).json()
    assert api_for(make_merchant()).get(f"shifts/{shift['id']}").status_code == 404
