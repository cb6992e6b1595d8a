"""What the list of tills says: parts, silence, software, service, failures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from merchants.models import Staff
from payment_channels.contract import Retry
from terminals.models import Terminal
from tests.desk.conftest import Shop
from tests.factories import make_request, make_sale
from tests.refunds.settled import failed

_PATH = "/desk/settings/terminals"


def test_list_says_what_is_wrong_with_a_till_and_leads_to_its_failures(
    shop: Shop, as_staff: Callable[[Staff], Client]
) -> None:
    now, store = timezone.now(), shop.merchant.stores.get()
    till = Terminal.objects.get()
    failed(make_request(make_sale(shop.merchant, terminal=till)), retry=Retry.SAME_NUMBER)
    make_request(make_sale(shop.merchant, terminal=till))
    Terminal.objects.update(
        software_version="4.9.0",
        checks={"display": True, "printer": False},
        checked_at=now,
        last_seen_at=now - timedelta(hours=2),
        next_service_date=now.date() - timedelta(days=1),
        refunds_enabled=False,
        refunds_off_reason="printer",
    )
    Terminal.objects.create(
        store=store, code="POS-02", software_version="4.10.0", last_seen_at=now, checks={"display": True}
    )
    manager = as_staff(shop.manager)
    page = manager.get(_PATH).content.decode()
    for said in ("Printer", "silent", "newest is 4.10.0", "due", "50.0%", "1 of 2 in 30 days", "up to date"):
        assert said in page, said
    assert "terminal=POS-01" in page
    for standing in ("off", "fault", "silent", "service"):
        narrowed = manager.get(_PATH, {"standing": standing}).content.decode()
        assert ("POS-01" in narrowed, ">POS-02<" in narrowed) == (True, False), standing
    one = manager.get(f"{_PATH}/{till.pk}").content.decode()
    assert "faulty" in one
    assert "50.0%" in one
