"""What the page of work that is handed out shows."""

from __future__ import annotations

import pytest
from django.utils import translation

from desk.access import scope_of
from desk.team_work.page import team_work_page
from merchants.models import Role
from refunds.models import Reviewer
from refunds.review import presence
from tests.desk.conftest import Shop
from tests.factories import make_staff

pytestmark = pytest.mark.django_db


def test_page_has_who_decides_with_what_they_take_and_the_form_of_who_is_chosen(shop: Shop) -> None:
    Reviewer.objects.create(staff=shop.reviewer, merchant=shop.merchant, languages=["en"], takes_work=False)
    presence.come(shop.reviewer.pk)
    with translation.override("en"):
        owner = scope_of(make_staff(shop.merchant, Role.OWNER))
        page = team_work_page(scope=owner, person=shop.reviewer.pk)
    rows = {row.cells[0].text: [cell.text for cell in row.cells[1:]] for row in page.tables[0].rows}
    assert rows[shop.reviewer.name] == ["at the desk", "10", "all", "English"]
    assert rows[shop.manager.name] == ["not there", "10", "all", "all"]
    assert shop.cashier.name not in rows
    assert [form.name for form in page.forms] == ["reviewer", "desk"]
    assert [form.name for form in team_work_page(scope=owner, person=shop.cashier.pk).forms] == ["desk"]
