"""One run at a time."""

from __future__ import annotations

import psycopg2
import pytest
from django.db import connection

from invariants.inspection import AlreadyRunning, alone

pytestmark = pytest.mark.django_db


def test_alone_when_another_session_runs_refuses_and_when_it_has_ended_does_not() -> None:
    found = connection.settings_dict
    other = psycopg2.connect(
        host=found["HOST"], port=found["PORT"], user=found["USER"], password=found["PASSWORD"], dbname=found["NAME"]
    )
    with alone(), other.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(5117204633)")
        assert cursor.fetchone() == (False,)
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(5117204633)")
        assert cursor.fetchone() == (True,)
    with pytest.raises(AlreadyRunning), alone():
        pass
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(5117204633)")
    other.close()
    with alone():
        pass
