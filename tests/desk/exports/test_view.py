"""Lists as files, from the button to the bell."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from core import table_files
from desk import tasks
from merchants.models import Staff
from refunds.models import ListExport
from refunds.review import exporting
from tests.desk.conftest import Shop

SignIn = Callable[[Staff], Client]


@pytest.mark.parametrize("which", ["refunds", "transactions", "notifications"])
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_list_is_made_into_a_file_rung_for_and_taken(shop: Shop, as_staff: SignIn, which: str, form: str) -> None:
    request = shop.waiting(26_800, phone="13800006021")
    finance = as_staff(shop.finance)
    query = finance.get(f"/desk/{which}?days=7").context["tools"].query
    finance.post("/desk/exports/ask", {"page": which, "query": query, "form": form})
    assert 'hx-trigger="every 2s"' in finance.get("/desk/exports").content.decode()
    tasks.exports()
    html = finance.get("/desk/exports").content.decode()
    assert 'class="count hot">1<' in html
    made = ListExport.objects.get()
    assert made.state == "ready", made.code
    content = finance.get(f"/desk/exports/{made.pk}").content
    if which != "notifications":
        (_, cells), *_ = table_files.read(content).rows
        assert cells[0] == (request.number if which == "refunds" else request.transaction.order_no)
        assert {"268.00", "268", "339.80", "339.8"} & set(cells)
    assert b"13800006021" not in content
    assert 'class="count hot">' not in finance.get("/desk/exports").content.decode()
    assert as_staff(shop.manager).get(f"/desk/exports/{made.pk}").status_code == 404


def test_file_is_not_made_for_those_who_may_not_and_ends_when_called_off(shop: Shop, as_staff: SignIn) -> None:
    asked = {"page": "refunds", "query": "", "form": "csv"}
    assert as_staff(shop.reviewer).post("/desk/exports/ask", asked).status_code == 403
    finance = as_staff(shop.finance)
    finance.post("/desk/exports/ask", asked)
    made = ListExport.objects.get()
    claimed = exporting.claim(at=timezone.now())
    assert claimed is not None
    finance.post(f"/desk/exports/{made.pk}/cancel")
    assert not exporting.is_wanted(claimed, rows=1, done=1)
    exporting.finish(claimed, content=b"x")
    made.refresh_from_db()
    assert (made.state, bytes(made.content)) == ("cancelled", b"")
