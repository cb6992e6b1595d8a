"""The audit trail at the desk: narrowed, taken away, verified, for those of the whole merchant."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from core.audit import verifying
from core.audit.models import AuditEvent, AuditVerification
from merchants import opening
from merchants.models import Staff
from merchants.principals import of_staff
from refunds.review import deciding
from tests.desk.conftest import Shop, make_shop
from tests.factories import make_merchant, make_staff, seal_events, works_in

SignIn = Callable[[Staff], Client]


def _hours(staff: Staff, shown: str = "9-18") -> None:
    store = staff.merchant.stores.order_by("pk")[0]
    opening.set_hours(store_id=store.pk, hours=None, shown=shown, by=of_staff(staff), at=timezone.now())


def _text(client: Client, **query: str) -> str:
    answer = client.get("/desk/audit", query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_trail_is_narrowed_by_person_act_refund_and_day(shop: Shop, as_staff: SignIn) -> None:
    request = shop.waiting()
    deciding.add_note(request_id=request.pk, text="note", by=of_staff(shop.reviewer), at=timezone.now())
    _hours(shop.manager)
    client = as_staff(shop.finance)
    whole = _text(client)
    assert request.number in whole
    assert "changed opening hours" in whole
    for query, there, missing in (
        ({"who": str(shop.manager.pk)}, "changed opening hours", request.number),
        ({"act": "beside"}, "changed opening hours", request.number),
        ({"act": "store"}, "changed opening hours", request.number),
        ({"act": "refund.note"}, request.number, "changed opening hours</a>"),
        ({"q": request.number}, request.number, "changed opening hours</a>"),
        ({"from": "2099-01-01"}, "Nothing matches", request.number),
        ({"q": "RF-990101-9999"}, "Nothing matches", "changed opening hours</a>"),
    ):
        page = _text(client, **query)
        rows = page[page.index("tablewrap") if "tablewrap" in page else 0 :]
        assert there in page, query
        assert missing not in rows, query


def test_trail_of_another_merchant_is_not_there_whatever_is_asked_for(shop: Shop, as_staff: SignIn) -> None:
    theirs = make_shop()
    request = theirs.waiting()
    _hours(theirs.manager, "their hours")
    client = as_staff(shop.manager)
    for query in ({}, {"q": request.number}, {"q": str(request.pk)}, {"who": str(theirs.manager.pk)}):
        answer = client.get("/desk/audit", query)
        merchants = {row.event.merchant_id for row in answer.context["rows"]}
        assert merchants <= {shop.merchant.pk}
        assert "their hours" not in answer.content.decode()


def test_pages_follow_each_other_without_a_gap(shop: Shop, as_staff: SignIn) -> None:
    for number in range(60):
        _hours(shop.manager, f"{number}")
    client, seen, query = as_staff(shop.finance), [], {"act": "store"}
    for _ in range(2):
        answer = client.get("/desk/audit", query)
        seen += [row.event.pk for row in answer.context["rows"]]
        query = {"act": "store", "c": answer.context["pager"].next_url.rpartition("c=")[2]}
    assert len(seen) == len(set(seen)) == 60
    assert seen == sorted(seen, reverse=True)
    assert len(client.get("/desk/audit", {"c": "n.x.y.z"}).context["rows"]) == 50


def test_export_is_what_the_filters_show_and_is_in_the_trail(shop: Shop, as_staff: SignIn) -> None:
    _hours(shop.manager, "=HYPERLINK(1)")
    answer = as_staff(shop.finance).get("/desk/audit.csv", {"act": "store"})
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 2
    assert "store.hours" in lines[1]
    event = AuditEvent.objects.get(action="audit.export")
    assert (event.data["rows"], event.data["filters"]) == (1, {"act": "store"})


@pytest.mark.django_db(transaction=True)
def test_chain_is_verified_on_the_page_now_and_whole(as_staff: SignIn) -> None:
    shop = make_shop()
    make_merchant()
    _hours(shop.manager)
    seal_events()
    client = as_staff(shop.finance)
    page = client.post("/desk/audit/verify").content.decode()
    assert "Nothing was changed" in page
    assert client.post("/desk/audit/verify-whole").status_code == 302
    assert client.post("/desk/audit/verify-whole").status_code == 409
    assert "being verified" in _text(client)
    assert verifying.work() == 1
    row = AuditVerification.objects.get()
    assert (row.merchant_id, row.findings, row.ended_at is None) == (shop.merchant.pk, [], False)
    assert row.head in _text(client)


def test_trail_is_for_owners_managers_and_finance_of_the_whole_merchant(shop: Shop, as_staff: SignIn) -> None:
    bound = make_staff(shop.merchant, "manager")
    works_in(bound, shop.merchant.stores.get())
    for staff in (shop.cashier, shop.reviewer, bound):
        for path in ("/desk/audit", "/desk/audit.csv"):
            assert as_staff(staff).get(path).status_code == 403
        assert as_staff(staff).post("/desk/audit/verify-whole").status_code == 403
    assert not AuditVerification.objects.exists()
    assert not AuditEvent.objects.filter(action="audit.export").exists()
