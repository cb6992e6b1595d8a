"""The owner's login and the application's."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from core.database import logins

pytestmark = pytest.mark.django_db(transaction=True)


def _login() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        return str(cursor.fetchone()[0])


def test_as_owner_when_outside_of_a_transaction_is_the_owner_and_then_the_application_again() -> None:
    with logins.as_owner():
        assert _login() == logins.owner()
    assert _login() == logins.application() != logins.owner()


def test_as_owner_when_inside_of_a_transaction_stays_who_it_is() -> None:
    with transaction.atomic(), logins.as_owner():
        assert _login() == logins.application()


def test_owner_when_there_is_no_other_login_is_the_application(settings: Settings) -> None:
    settings.DATABASE_OWNER = None
    assert logins.owner() == logins.application()
