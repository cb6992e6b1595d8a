"""What the schedule calls for."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from invariants import tasks
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def child_reads_this_database(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("AUDIT_HEADS_DIR", str(getattr(settings, "AUDIT_HEADS_DIR", "")))
    found = connection.settings_dict
    address = f"postgres://{found['USER']}:{found['PASSWORD']}@{found['HOST']}:{found['PORT']}/{found['NAME']}"
    monkeypatch.setenv("DATABASE_URL", address)


@pytest.mark.usefixtures("child_reads_this_database")
def test_scheduled_run_when_it_is_called_asks_nothing_in_the_workers_own_process() -> None:
    make_request(make_sale(make_merchant()))
    with CaptureQueriesContext(connection) as asked:
        tasks.check_invariants()
    # That it was called for is written down; the looking is done elsewhere.
    assert [query for query in asked.captured_queries if "core_periodicwork" not in query["sql"]] == []
