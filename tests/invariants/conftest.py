"""Sound rows, and a child process that reads this database."""

from __future__ import annotations

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from tests import after_each
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.refunds.settled import failed, paid


@pytest.fixture
def rows() -> dict[str, str]:
    """Sound rows in every kind of state."""
    merchant = make_merchant()
    sale = make_sale(merchant, 50_000, quantity=3)
    found = {
        "paid": paid(make_request(sale, 1_000)),
        "failed": failed(make_request(sale, 2_000)),
        "approved": make_request(sale, 3_000),
        "review": make_request(sale, 25_000),
    }
    other = make_merchant()
    make_sale(other)
    assert after_each.breaches() == []
    return {
        **{name: f"'{request.pk}'" for name, request in found.items()},
        "sale": f"'{sale.pk}'",
        "other": str(other.pk),
        "staff": str(make_staff(merchant, "manager").pk),
    }


@pytest.fixture
def child_reads_this_database(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("AUDIT_HEADS_DIR", str(settings.AUDIT_HEADS_DIR))
    found = connection.settings_dict
    address = f"postgres://{found['USER']}:{found['PASSWORD']}@{found['HOST']}:{found['PORT']}/{found['NAME']}"
    monkeypatch.setenv("DATABASE_URL", address)
