"""Days of reconciliation by REST: a refund that the statement alone has, taken into the books."""

from __future__ import annotations

import pytest

from core.audit.models import AuditEvent
from reconciliation.models import Difference
from tests.api.conftest import api_for, session_for
from tests.factories import make_merchant, make_staff
from tests.reconciliation.world import DAY, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = World()
    world.imported(world.portal(world.sale(), 6_000))
    return world


def _path() -> str:
    return f"reconciliations/differences/{Difference.objects.get().pk}/adopt"


def test_adopt_difference_by_finance_is_the_desks_act(world: World) -> None:
    finance = session_for(world.finance)
    (day,) = finance.get(f"reconciliations?date={DAY.isoformat()}").json()["results"]
    assert [one["id"] for one in day["differences"]] == [Difference.objects.get().pk]

    answer = finance.post(_path(), {"note": "店长在商户平台退的"})

    assert answer.status_code == 200
    body = answer.json()
    assert (body["state"], body["refunded_fen"]) == ("refunded", 6_000)
    found = Difference.objects.get()
    assert (found.resolution, found.note, found.resolved_by) == ("adopted", "店长在商户平台退的", world.finance)
    event = AuditEvent.objects.get(action="reconciliation.adopt")
    assert (event.data["refund"], event.data["note"]) == (body["number"], "店长在商户平台退的")
    again = finance.post(_path(), {})
    assert (again.status_code, again.json()["code"]) == (409, "already_resolved")


def test_adopt_difference_by_others_is_refused_and_changes_nothing(world: World) -> None:
    cashier = session_for(make_staff(world.merchant, "cashier"))
    stranger = session_for(make_staff(make_merchant(), "finance"))
    key = api_for(world.merchant)

    assert cashier.post(_path(), {}).status_code == 403
    assert stranger.post(_path(), {}).status_code == 404
    assert key.post(_path(), {}).status_code == 403
    unknown = session_for(world.finance).post(_path(), {"notes": "x"})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (400, "notes")

    assert Difference.objects.get().resolution == ""
    assert not AuditEvent.objects.filter(action="reconciliation.adopt").exists()
