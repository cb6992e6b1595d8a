"""Tills."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from merchants.models import Store
from terminals.models import Terminal
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db


def test_code_of_a_till_is_once_a_store() -> None:
    store = Store.objects.get(merchant=make_merchant())
    with pytest.raises(IntegrityError, match="terminal_code_once"), transaction.atomic():
        Terminal.objects.create(store=store, code="POS-01")
    assert str(store.terminals.get()) == "POS-01"
