"""The bell and its list."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from merchants.models import Staff
from refunds.models import StaffNotice
from tests.desk.conftest import Shop


def test_a_note_rings_the_bell_of_whom_it_names_until_it_is_read(
    reviewer: Client, as_staff: Callable[[Staff], Client], shop: Shop
) -> None:
    request = shop.waiting()
    note = {"version": request.version, "text": f"@{shop.manager.name} 请看"}
    assert reviewer.post(f"/desk/refunds/{request.number}/note", note).status_code == 302
    manager = as_staff(shop.manager)
    assert manager.get("/desk").context["shell"].unread == 1
    (notice,) = manager.get("/desk/notices").context["notices"]
    assert (notice.text, notice.by_name) == (note["text"], shop.reviewer.name)
    assert reviewer.post(f"/desk/notices/{notice.pk}").status_code == 404
    assert StaffNotice.objects.get().read_at is None
    assert manager.post(f"/desk/notices/{notice.pk}")["Location"] == f"/desk/refunds/{request.number}"
    assert manager.get("/desk/notices/bell").context["unread"] == 0
