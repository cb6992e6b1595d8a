"""What the pages of a key's mandate show."""

import pytest

from desk.access import scope_of
from desk.mandate.page import stops_page
from tests.desk.conftest import Shop
from tests.factories import make_staff

pytestmark = pytest.mark.django_db


def test_all_keys_are_offered_to_who_works_in_all_stores_only(shop: Shop) -> None:
    first = shop.merchant.stores.order_by("pk")[0]
    for staff, offered in (
        (make_staff(shop.merchant, "manager"), True),
        (make_staff(shop.merchant, "manager", stores=[first]), False),
    ):
        page = stops_page(scope=scope_of(staff))
        choices = [choice.value for choice in page.forms[0].fields[0].choices]
        assert ("*" in choices) is offered
        assert first.code in choices
