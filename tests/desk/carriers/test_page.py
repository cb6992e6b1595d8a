"""What the pages of carriers show: how each does, and nothing that is secret."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone, translation

from desk.access import scope_of
from desk.carriers.page import LABELS, ORDER_LABELS, carrier_page, carriers_page
from merchants.models import MessageCarrier, MessageOrder
from refunds.telling.carrying import ORDERS
from refunds.telling.providers.registry import PROVIDERS
from tests.desk.conftest import Shop
from tests.factories import make_merchant


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


def test_every_field_and_order_has_a_label() -> None:
    assert {name for one in PROVIDERS.values() for name in one.fields} == set(LABELS)
    assert set(ORDER_LABELS) == set(ORDERS)


def test_list_says_how_each_carrier_does_and_in_which_order_customers_are_told(shop: Shop) -> None:
    MessageCarrier.objects.create(merchant=shop.merchant, kind="tencent", trouble="x", failing_since=timezone.now())
    MessageCarrier.objects.create(merchant=shop.merchant, kind="aliyun", enabled=False)
    MessageCarrier.objects.create(merchant=make_merchant(), kind="wechat")
    MessageOrder.objects.create(merchant=shop.merchant, event="refunded", language="en", order="one")
    carriers, orders = carriers_page(scope=scope_of(shop.manager)).tables
    states = ["does not take messages", "out of use", "not set up"]
    assert [row.cells[2].text for row in carriers.rows] == states
    told = {row.cells[0].text: [cell.text for cell in row.cells[1:]] for row in orders.rows}
    assert told["Refunded"] == [str(ORDER_LABELS["usual"]), str(ORDER_LABELS["one"])]


def test_page_of_a_carrier_shows_its_open_fields_alone(shop: Shop) -> None:
    row = MessageCarrier(merchant=shop.merchant, kind="wechat", templates={"refunded/en": {"id": "W", "text": "a=b"}})
    row.set_settings({"appid": "wx1", "secret": "s3cret"})
    row.save()
    page = carrier_page(scope=scope_of(shop.manager), provider=PROVIDERS["wechat"])
    assert [form.name for form in (*page.wide_forms, *page.forms)] == ["contract", "template", "test", "remove"]
    assert {one.name: one.value for one in page.wide_forms[0].fields if one.value} == {
        "appid": "wx1",
        "position": "1",
        "enabled": "1",
    }
    assert "s3cret" not in str(page)
