"""The pages and the REST endpoint: who may, what they say, what cannot be slipped in."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from api import schemas_figures
from merchants.models import Role
from merchants.principals import of_staff
from reconciliation import closing, differences
from reconciliation.models import Bill, Difference, ReconciliationDay
from tests.api.conftest import api_for
from tests.api.test_description import same_names
from tests.desk.conftest import BACKEND
from tests.factories import make_staff, works_in
from tests.reconciliation.world import DAY, MORNING, World, on_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = World()
    world.imported(world.row(world.paid()), world.portal(world.sale(), 500, "=HYPERLINK(1)"))
    return world


def _as(staff: Any) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(staff, backend=BACKEND)
    return client


def _path(world: World, what: str = "") -> str:
    return f"/desk/reconciliation/{world.account.code}/{DAY}{what}"


@pytest.mark.parametrize("role", list(Role))
def test_pages_are_for_finance_managers_and_owners(world: World, role: Role) -> None:
    client = _as(make_staff(world.merchant, role))
    allowed = role in {Role.FINANCE, Role.MANAGER, Role.OWNER}
    for path in ("/desk/reconciliation", _path(world), _path(world, ".csv")):
        assert client.get(path).status_code == (200 if allowed else 403), path
    for path in (_path(world, "/close"), _path(world, "/download"), _path(world, "/upload")):
        assert client.post(path).status_code == (302 if allowed else 403), path
    assert ("/desk/reconciliation" in client.get("/desk/new").content.decode()) == allowed


def test_staff_of_some_stores_do_not_see_the_whole_merchants_statement(world: World) -> None:
    manager = make_staff(world.merchant, Role.MANAGER)
    works_in(manager, world.merchant.stores.get())
    assert _as(manager).get(_path(world)).status_code == 403
    assert _as(manager).get("/desk/reconciliation").status_code == 403


def test_another_merchants_day_is_not_found(world: World) -> None:
    stranger = _as(World().finance)
    difference = Difference.objects.get()
    for path in (_path(world), _path(world, ".csv")):
        assert stranger.get(path).status_code == 404
    for action in ("resolve", "assign", "adopt"):
        answer = stranger.post(
            f"/desk/reconciliation/differences/{difference.pk}/{action}", {"resolution": "accepted", "note": "x"}
        )
        assert answer.status_code == 404
    difference.refresh_from_db()
    assert difference.resolution == ""


def test_day_page_shows_totals_kinds_and_the_difference_that_the_address_names(world: World) -> None:
    text = _as(world.finance).get(_path(world, f"?difference={Difference.objects.get().pk}")).content.decode()
    for part in ("¥12.00", "¥17.00", "-¥5.00", "Only at the channel", "Adopt as a refund"):
        assert part in text
    assert _as(world.finance).get(_path(world, "?difference=99999&tab=nonsense&c=x")).status_code == 200
    assert _as(world.finance).get("/desk/reconciliation/nowhere/2026-13-45").status_code == 404


def test_upload_refuses_what_is_no_statement(world: World) -> None:
    client = _as(world.finance)
    file = SimpleUploadedFile("bill.csv", b"a,b,c\n1,2,3\n")
    before = Bill.objects.count()
    answer = client.post(_path(world, "/upload"), {"file": file}, follow=True)
    assert "credentials or settings are incomplete" in answer.content.decode()
    assert "Choose the statement" in client.post(_path(world, "/upload"), follow=True).content.decode()
    assert Bill.objects.count() == before
    form = {"account": "elsewhere", "date": "2026-11-21", "file": SimpleUploadedFile("x", b"x")}
    assert "Choose one of your accounts" in client.post("/desk/reconciliation/add", form, follow=True).content.decode()


def test_export_cannot_become_a_formula(world: World) -> None:
    answer: Any = _as(world.finance).get(_path(world, ".csv"))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert [row[2] for row in rows[1:]][1] == "'=HYPERLINK(1)"
    assert [row[6] for row in rows[1:]] == ["12.00", ""]
    assert [row[7] for row in rows[1:]] == ["12.00", "5.00"]


def test_refusals_are_told_in_words(world: World) -> None:
    client = _as(world.finance)
    sure = {"confirmed": "1"}
    assert "Resolve every difference first" in client.post(_path(world, "/close"), sure, follow=True).content.decode()
    pk = Difference.objects.get().pk
    form = {"resolution": "accepted", "note": " ", "return_to": _path(world)}
    client.post(f"/desk/reconciliation/differences/{pk}/resolve", form)
    assert Difference.objects.get().resolution == ""
    form["note"] = "已核对"
    client.post(f"/desk/reconciliation/differences/{pk}/resolve", form)
    # One click closes nothing.
    assert "The day is closed." not in client.post(_path(world, "/close"), follow=True).content.decode()
    assert ReconciliationDay.objects.get(pk=Difference.objects.get().day_id).closed_at is None
    assert "The day is closed." in client.post(_path(world, "/close"), sure, follow=True).content.decode()
    page = client.get(_path(world)).content.decode()
    assert "Closed by" in page
    assert "/upload" not in page


def test_adopted_refund_says_where_it_was_made(world: World) -> None:
    made = differences.adopt(
        difference_id=Difference.objects.get().pk, note="", by=of_staff(world.finance), at=timezone.now()
    )
    page = _as(world.finance).get(f"/desk/refunds/{made.number}").content.decode()
    assert "Channel&#x27;s portal" in page


# --- REST -----------------------------------------------------------------------------------------------------------


def test_endpoint_says_what_the_page_says(world: World) -> None:
    body = api_for(world.merchant).get("reconciliations", date=DAY.isoformat(), channel="wechat").json()
    same_names(schemas_figures.ReconciliationsOut(), body)
    (day,) = body["results"]
    assert (day["date"], day["channel"], day["account"], day["state"]) == (
        DAY.isoformat(),
        "wechat",
        world.account.code,
        "open",
    )
    assert (day["ours"], day["statement"]["amount_fen"], day["gap_fen"]) == ({"n": 1, "amount_fen": 1_200}, 1_700, -500)
    assert day["counts"] == {"matched": 1, "amount_differs": 0, "ours_only": 0, "channel_only": 1, "pending": 0}
    (difference,) = day["differences"]
    assert (difference["kind"], difference["statement_fen"], difference["ours_fen"], difference["resolution"]) == (
        "channel_only",
        500,
        None,
        None,
    )
    differences.resolve(
        difference_id=Difference.objects.get().pk,
        resolution="accepted",
        note="x",
        by=of_staff(world.finance),
        at=MORNING,
    )
    closing.close(day_id=world.day().pk, by=of_staff(world.finance), at=MORNING)
    (day,) = api_for(world.merchant).get("reconciliations", date=DAY.isoformat()).json()["results"]
    assert (day["state"], day["open_differences"], day["differences"][0]["resolution"]) == ("closed", 0, "accepted")


def test_endpoint_is_walled_and_strict(world: World) -> None:
    date = DAY.isoformat()
    assert api_for(World().merchant).get("reconciliations", date=date).json()["results"] == []
    assert api_for(world.merchant, scopes=["refunds:read"]).get("reconciliations", date=date).status_code == 403
    store = world.merchant.stores.get()
    assert api_for(world.merchant, store=store).get("reconciliations", date=date).status_code == 403
    api = api_for(world.merchant)
    assert api.get("reconciliations").status_code == 400
    for wrong in ("2026-13-01", "yesterday", "20261121", on_day().isoformat()):
        assert api.get("reconciliations", date=wrong).status_code == 400
    assert api.get("reconciliations", date=date, colour="red").status_code == 400
