"""The ledger: only ever added to."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from refunds.models import LedgerEntry
from tests.factories import make_merchant, make_request, make_sale
from tests.refunds.settled import paid

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("act", ["update", "delete"])
def test_entry_is_never_changed(act: str) -> None:
    paid(make_request(make_sale(make_merchant()), 1_200))
    entries = LedgerEntry.objects.order_by("pk")
    before = list(entries.values_list("account", "amount_fen"))
    with pytest.raises(DatabaseError), transaction.atomic():
        entries.update(amount_fen=1) if act == "update" else entries.delete()
    assert list(entries.values_list("account", "amount_fen")) == before != []


@pytest.mark.parametrize(("changes", "constraint"), [({}, "ledger_posted_once"), ({"amount_fen": 0}, "not_zero")])
def test_entry_when_it_is_posted_twice_or_moves_nothing_is_refused(changes: dict[str, int], constraint: str) -> None:
    paid(make_request(make_sale(make_merchant()), 1_200))
    entry = LedgerEntry.objects.order_by("pk")[0]
    entry.pk = None
    for name, value in changes.items():
        setattr(entry, name, value)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        entry.save(force_insert=True)
