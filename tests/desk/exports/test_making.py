"""Files made by a worker that may be killed, of rights that may be taken away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from desk.exports import making
from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import ListExport
from refunds.review import exporting
from tests.desk.conftest import Shop
from tests.factories import works_in


def _ask(shop: Shop, form: str = "csv") -> ListExport:
    by = of_staff(shop.finance)
    return exporting.ask(page="refunds", query="", form=form, language="en", by=by, at=timezone.now())


def test_file_when_its_worker_was_killed_is_begun_again_by_another(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.waiting()
    made = _ask(shop)
    assert exporting.claim(at=timezone.now() - timedelta(minutes=2)) is not None
    making.work()
    made.refresh_from_db()
    assert (made.state, made.rows, made.done) == ("ready", 1, 1)


def test_file_when_the_right_was_taken_away_meanwhile_fails(shop: Shop) -> None:
    made = _ask(shop)
    Staff.objects.filter(pk=shop.finance.pk).update(role="cashier")
    making.work()
    made.refresh_from_db()
    assert (made.state, made.code) == ("failed", "role_required")


def test_file_of_too_many_rows_fails_and_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MOST_ROWS", 1)
    shop.waiting()
    shop.waiting()
    made = _ask(shop, "xlsx")
    making.work()
    made.refresh_from_db()
    assert (made.state, made.code, bytes(made.content)) == ("failed", "too_many_rows", b"")


def test_file_says_of_which_stores_it_is(shop: Shop) -> None:
    shop.waiting()
    whole, part = _ask(shop), _ask(shop)
    claimed = exporting.claim(at=timezone.now())
    assert claimed is not None
    making.work()
    works_in(shop.finance, shop.merchant.stores.get())
    exporting.finish(claimed, code="cancelled")
    later = _ask(shop)
    making.work()
    said = dict(ListExport.objects.filter(state="ready").values_list("pk", "store_ids"))
    assert said == {part.pk: None, later.pk: [shop.merchant.stores.get().pk]}
    assert whole.pk not in said
