"""What every test can rely on: settings without services, a database that can be emptied, no shared state, a browser.

Tests that want the database need the services of `python -m config.embedded test-services -- pytest ...` (`make test`
does that). Pure tests run without.
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

pytest_plugins = ["tests.browser"]

_NO_SERVICES = "DATABASE_URL" not in os.environ
# (setting, value): for pure tests, so that the settings can be read at all.
_DEFAULTS = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "a key for tests only, " * 3,
    "PERSONAL_DATA_KEY": base64.b64encode(b"p" * 32).decode(),
    "SEARCH_KEY": base64.b64encode(b"s" * 32).decode(),
    "SECURE": "false",
    "ALLOWED_HOSTS": "*",
}
for _name, _value in _DEFAULTS.items():
    os.environ.setdefault(_name, _value)
if "VAR_DIR" not in os.environ:
    os.environ["VAR_DIR"] = tempfile.mkdtemp(prefix="refunddesk-var-")
# Whitenoise looks for it when the first request comes.
(Path(os.environ["VAR_DIR"]) / "static").mkdir(parents=True, exist_ok=True)

# Beside one another, workers of pytest-xdist keep apart in the broker as they do in the database.
if _worker := os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"):
    _parts = urlsplit(os.environ["REDIS_URL"])
    os.environ["REDIS_URL"] = urlunsplit(_parts._replace(path=f"/{int(_worker) + 1}"))

_DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "django_db_reset_sequences"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse early, in one sentence, what would otherwise fail test by test."""
    wants_database = [
        item
        for item in items
        if item.get_closest_marker("django_db") or _DATABASE_FIXTURES & set(getattr(item, "fixturenames", ()))
    ]
    if wants_database and _NO_SERVICES:
        raise pytest.UsageError(
            f"{len(wants_database)} of these tests need PostgreSQL and Valkey, e.g. {wants_database[0].nodeid}. Run: "
            "make test, or python -m config.embedded test-services -- pytest ..."
        )


@pytest.fixture(scope="session", autouse=True)
def _settings_for_tests() -> Iterator[None]:
    """Plain file names for static files (no collectstatic needed) and a quick password hash (logins by the hundred)."""
    from django.conf import settings  # noqa: PLC0415 -- only once pytest-django has set Django up
    from django.test.utils import override_settings  # noqa: PLC0415

    plain = {**settings.STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    with override_settings(
        STORAGES=plain,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Let the emptying of the database between tests pass by the triggers that forbid it in production."""
    from django.db import connection, transaction  # noqa: PLC0415

    def execute_sql_flush(sql_list: Iterable[str]) -> None:
        # `replica` silences ordinary triggers. The test services grant the right to set it; no real installation does.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for statement in sql_list:
                cursor.execute(statement)

    connection.ops.execute_sql_flush = execute_sql_flush  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """No throttle, lock-out or cached figure of one test reaches the next."""
    yield
    if not _NO_SERVICES:
        from django.core.cache import cache  # noqa: PLC0415

        cache.clear()
