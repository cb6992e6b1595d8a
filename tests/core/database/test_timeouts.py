"""A statement that takes too long is cancelled, and whoever asked reads a sentence and not a fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from pytest_django.fixtures import Settings

from core.database import timeouts
from refunds.models import RefundRequest

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def impatient(settings: Settings) -> Iterator[None]:
    """This process is a web process that waits a tenth of a second."""
    settings.DB_TIMEOUTS_MS = {**settings.DB_TIMEOUTS_MS, "web": (100, 100), "reports": (2_000, 100)}
    connection.close()
    timeouts.use("web")
    yield
    timeouts.use("commands")
    connection.close()


@pytest.mark.usefixtures("impatient")
def test_statement_of_the_web_when_it_takes_too_long_is_cancelled() -> None:
    with connection.cursor() as cursor, pytest.raises(OperationalError) as caught:
        cursor.execute("SELECT pg_sleep(0.5)")
    assert timeouts.ran_out(caught.value)


@pytest.mark.usefixtures("impatient")
def test_web_weighs_few_orders_of_joins_and_others_all() -> None:
    def limit() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW join_collapse_limit")
            (found,) = cursor.fetchone()
        return str(found)

    assert limit() == "4"
    timeouts.use("invariants")
    connection.close()
    assert limit() == "8"


@pytest.mark.usefixtures("impatient")
def test_report_when_it_takes_longer_than_a_page_may_is_finished_and_the_page_has_its_limit_back() -> None:
    @timeouts.reports
    def report() -> int:
        return RefundRequest.objects.extra(where=["pg_sleep(0.3) IS NOT NULL"]).count() + _waited()

    assert report() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
        assert cursor.fetchone() == ("100ms", "100ms")


def _waited() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM (SELECT pg_sleep(0.3)) s")
        return int(cursor.fetchone()[0])


@pytest.mark.usefixtures("impatient")
def test_migration_when_the_process_is_impatient_has_no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, str]] = []

    def look(*_: Any, **__: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
            seen.append(cursor.fetchone())

    monkeypatch.setattr("core.database.rights.apply", look)
    call_command("migrate", verbosity=0)
    assert seen == [("0", "0")]


def test_process_when_it_names_what_is_not_in_the_settings_is_refused() -> None:
    with pytest.raises(KeyError):
        timeouts.use("nobody")
