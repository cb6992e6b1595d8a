"""A kept connection is asked whether it lives only after it has rested."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from django.db import connection, connections

from core.database import base
from core.database.base import DatabaseWrapper

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def _request() -> Iterator[DatabaseWrapper]:
    """What Django does to a connection around a request."""
    wrapper = cast(DatabaseWrapper, connections["default"])
    wrapper.close_if_unusable_or_obsolete()
    yield wrapper
    wrapper.close_if_unusable_or_obsolete()


def _query() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Each time a connection was asked, from the second request on; a minute is not rest yet, however busy the machine."""
    monkeypatch.setattr(base, "_FRESH_S", 60.0)
    with _request():
        _query()
    found: list[bool] = []
    really = DatabaseWrapper.is_usable

    def is_usable(wrapper: Any) -> bool:
        found.append(really(wrapper))
        return found[-1]

    monkeypatch.setattr(DatabaseWrapper, "is_usable", is_usable)
    return found


def test_busy_connection_is_not_asked(asked: list[bool]) -> None:
    for _ in range(3):
        with _request():
            _query()
    assert not asked


def test_rested_connection_is_asked(asked: list[bool]) -> None:
    with _request() as wrapper:
        _query()
    wrapper._used_at -= 61
    with _request():
        _query()
    assert asked == [True]


def test_connection_that_died_while_it_rested_is_replaced(asked: list[bool]) -> None:
    with _request() as wrapper:
        _query()
    wrapper.connection.close()
    wrapper._used_at -= 61
    with _request():
        _query()
    assert asked == [False]
