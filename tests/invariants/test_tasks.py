"""What the schedule calls for."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from invariants import tasks
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("child_reads_this_database")
def test_scheduled_run_when_it_is_called_asks_nothing_in_the_workers_own_process() -> None:
    make_request(make_sale(make_merchant()))
    with CaptureQueriesContext(connection) as asked:
        tasks.check_invariants()
    # That it was called for is written down; the looking is done elsewhere.
    assert [query for query in asked.captured_queries if "core_periodicwork" not in query["sql"]] == []
