"""What the pages of batches show."""

import pytest
from django.utils import timezone, translation

from desk.access import scope_of
from desk.batches.page import batch_page, batches_page
from merchants.principals import of_staff
from refunds.intake import batches
from refunds.intake.batches import Wish
from refunds.models.batch import BatchKind
from tests.desk.conftest import Shop
from tests.factories import make_staff

pytestmark = pytest.mark.django_db


def test_confirming_is_offered_once_it_was_checked_with_what_is_bad(shop: Shop) -> None:
    staff = make_staff(shop.merchant, "finance")
    wish = Wish(label="x", errors=[{"field": "reason", "code": "required", "message": "?"}])
    batch = batches.file(name="recall", wishes=[wish], by=of_staff(staff), at=timezone.now())
    page = batch_page(scope=scope_of(staff), batch=batch, wanted={})
    assert ([one.name for one in page.forms], bool(page.poll_url)) == (["cancel"], True)
    batches.work()
    batch.refresh_from_db()
    page = batch_page(scope=scope_of(staff), batch=batch, wanted={})
    assert [one.name for one in page.forms] == ["cancel"], "who filed it does not confirm it"
    assert len(page.notes) == 1, "and is told whom it waits for"
    owner = make_staff(shop.merchant, "owner")
    with translation.override("zh-hans"):
        page = batch_page(scope=scope_of(owner), batch=batch, wanted={"verdict": "bad"})
    assert ([one.name for one in page.forms], page.poll_url, page.notes) == (["confirm", "cancel"], "", [])
    assert [one.name for one in page.forms[0].fields] == ["window_minutes", "skip_bad"]
    assert page.tables[0].rows[0].cells[3].sub == ["reason：?"]


def test_row_of_a_file_is_named_by_its_lines_there_and_a_sale_is_not_asked_for(shop: Shop) -> None:
    staff = make_staff(shop.merchant, "finance")
    wishes = [Wish(label=label, errors=[{"field": "reason", "code": "required", "message": "?"}]) for label in "ab"]
    batch = batches.file(name="x.csv", wishes=wishes, by=of_staff(staff), at=timezone.now())
    batch.rows.filter(number=1).update(lines=[3, 4])
    batches.work()
    batch.refresh_from_db()
    batch.kind = BatchKind.SALES
    table = batch_page(scope=scope_of(staff), batch=batch, wanted={}).tables[0]
    assert [row.cells[0].text for row in table.rows] == ["3, 4", "2"]


def test_list_is_the_persons_own_merchants(shop: Shop) -> None:
    staff = make_staff(shop.merchant, "finance")
    batch = batches.file(name="recall", wishes=[Wish(label="x")], by=of_staff(staff), at=timezone.now())
    assert [row.pk for row in batches_page(scope=scope_of(staff)).rows] == [batch.pk]
