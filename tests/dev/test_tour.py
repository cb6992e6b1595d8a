"""The tour of README.md reads what the API gives."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

from tests.api.conftest import api_for
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


def test_tour_asks_for_the_fields_that_it_shows() -> None:
    text = (settings.BASE_DIR / "docs/tour.sh").read_text(encoding="utf-8")
    show = text[text.index("\nshow()") : text.index("\nfault()")]
    found = re.search(r"refund-requests\?order_no=\$1&fields=([a-z_,]+)", show)
    assert found
    shown = set(re.findall(r'\br\["(\w+)"\]', show))
    assert {"number", "state"} <= shown <= set(found[1].split(","))
    sale = make_sale(make_merchant(), 33_980)
    make_request(sale, 1_200)
    answer = api_for(sale.merchant).get("refund-requests", order_no=sale.order_no, fields=found[1])
    assert [set(row) for row in answer.json()["results"]] == [set(found[1].split(","))]
