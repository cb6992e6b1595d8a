"""What every test can rely on: settings without services, a database that can be emptied, no shared state, a browser.

Tests that want the database need the services of `python -m dev.embedded test-services -- pytest ...` (`make test`
does that). Pure tests run without.
"""

from __future__ import annotations

import base64
import fcntl
import gc
import itertools
import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import urlsplit, urlunsplit

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests import order

if TYPE_CHECKING:
    from merchants.models import Merchant
    from merchants.principals import Principal

pytest_plugins = ["tests.browser", "tests.stand_ins"]

# Workers of pytest-xdist inherit what the first process sets below, so it leaves a word for them.
_NO_SERVICES = os.environ.setdefault("TESTS_WITHOUT_SERVICES", str(int("DATABASE_URL" not in os.environ))) == "1"
# (setting, value): for pure tests, so that the settings can be read at all.
_DEFAULTS = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "a key for tests only, " * 3,
    "PERSONAL_DATA_KEY": base64.b64encode(b"p" * 32).decode(),
    "SEARCH_KEY": base64.b64encode(b"s" * 32).decode(),
    "AUDIT_KEY": base64.b64encode(b"a" * 32).decode(),
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
    # Where the environment names the settings, pytest-django has read them before this file.
    settings.REDIS_URL = settings.CELERY_BROKER_URL = settings.CACHES["default"]["LOCATION"] = os.environ["REDIS_URL"]

_numbers = itertools.count()

# How long an example takes says how busy the machine is, and nothing of what is tested: a limit of 200 ms and the check for slow
# data failed tests that were right. Where more examples find more, a test says so itself; `make properties` has thousands.
hypothesis_settings.register_profile(
    "house", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("house")

#: The database that those of workers are copies of.
_MIGRATED = "test_migrated"
_DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "django_db_reset_sequences"}


def pytest_sessionstart(session: pytest.Session) -> None:
    """Of workers beside one another each begins to collect elsewhere: what one has compiled, the others find."""
    config = session.config
    if _worker and config.args == config.getini("testpaths"):
        folders = [
            str(path) for path in sorted(Path(__file__).parent.iterdir()) if path.is_dir() or path.match("test_*.py")
        ]
        begin = len(folders) * int(_worker) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        config.args = folders[begin:] + folders[:begin]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[Any]:
    """What is collected stays until the end, so nobody looks through it for garbage: that was a quarter of collecting."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers agree on the order; and refuse early, in one sentence, what would otherwise fail test by test."""
    if _worker:
        items[:] = order.spread(items, workers=int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    wants_database = [
        item
        for item in items
        if item.get_closest_marker("django_db") or _DATABASE_FIXTURES & set(getattr(item, "fixturenames", ()))
    ]
    if wants_database and _NO_SERVICES:
        raise pytest.UsageError(
            f"{len(wants_database)} of these tests need PostgreSQL and Valkey, e.g. {wants_database[0].nodeid}. Run: "
            "make test, or python -m dev.embedded test-services -- pytest ..."
        )


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long values after their argument.

    A zip holds the time at which it was made: workers that had made theirs two seconds apart disagreed on the tests' names,
    and pytest-xdist refused to run any.
    """
    return argname if isinstance(val, str | bytes) and len(val) > 80 else None


@pytest.fixture(scope="session", autouse=True)
def _settings_for_tests() -> Iterator[None]:
    """Plain file names for static files (no collectstatic needed), a quick password hash (logins by the hundred), and each
    private key read once: OpenSSL proves its primes at every reading, which takes as long as a page. No thread of the request
    log's writes beside a test's transaction.
    """
    from django.test.utils import override_settings  # noqa: PLC0415

    plain = {**settings.STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    with (
        override_settings(
            STORAGES=plain,
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
            # Decisions at the desk take effect at once, but for the tests of taking them back.
            UNDO_S=0,
            REQUEST_LOG_EVERY_S=0,
        ),
        mock.patch("payment_channels.rsa_keys.load_pem_private_key", cache(load_pem_private_key)),
    ):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Make the test databases ones that can be emptied and dropped, by their owner: tests themselves work under the
    application's login, so that each is a test of its rights.

    And let a test's transaction stay idle: on a busy machine one page took the minute after which the server ends it, and every
    page after it was a fault.

    On the classes, not on one connection: beside a browser's event loop Django opens a second one in the same thread.
    """
    from django.db import connection  # noqa: PLC0415
    from django.db.backends.postgresql.creation import DatabaseCreation  # noqa: PLC0415 -- once Django is set up
    from django.test import TransactionTestCase  # noqa: PLC0415

    from core.database import logins  # noqa: PLC0415
    from tests.owner import empty_tables, kept_as_new  # noqa: PLC0415

    options = connection.settings_dict["OPTIONS"]
    options["options"] += " -c idle_in_transaction_session_timeout=0"  # the last one counts

    create = DatabaseCreation._create_test_db  # type: ignore[attr-defined]

    def create_as_owner(self: DatabaseCreation, *args: Any, **options: Any) -> str:
        with logins.as_owner():
            return str(create(self, *args, **options))

    def drop(self: DatabaseCreation, test_database_name: str, _verbosity: int) -> None:
        with logins.as_owner(), self._nodb_cursor() as cursor:  # type: ignore[attr-defined]
            # A server's thread or that second connection may still be there.
            cursor.execute(f"DROP DATABASE {self.connection.ops.quote_name(test_database_name)} WITH (FORCE)")

    setattr(DatabaseCreation, "_create_test_db", create_as_owner)  # noqa: B010 -- to mypy a method is for ever
    setattr(TransactionTestCase, "_fixture_teardown", lambda _case: empty_tables())  # noqa: B010
    setattr(TransactionTestCase, "_should_reload_connections", lambda _case: not kept_as_new())  # noqa: B010
    setattr(DatabaseCreation, "_destroy_test_db", drop)  # noqa: B010


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_db_modify_db_settings: None,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Of workers beside one another the first migrates, or reads what an earlier run has migrated (tests/migrated.py); the
    others' databases begin as copies of its.
    """
    from django.db import connection  # noqa: PLC0415

    from tests import migrated  # noqa: PLC0415

    creation: Any = connection.creation
    common = tmp_path_factory.getbasetemp().parent
    template = common / "template"
    with (common / "migrating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_first = not _worker or not template.exists()
        file = migrated.file_in(request.config.cache.mkdir("migrated"))
        if is_first:
            with django_db_blocker.unblock():
                was_kept = migrated.read(file, database=_MIGRATED)
        if not (is_first and _worker):
            fcntl.flock(lock, fcntl.LOCK_UN)  # copies may be made at the same time
        if not is_first or was_kept:
            connection.settings_dict["TEST"]["TEMPLATE"] = _MIGRATED
        request.getfixturevalue("django_db_setup")
        if is_first:
            if not was_kept:
                with django_db_blocker.unblock():
                    migrated.keep(file, database=_MIGRATED)
            if _worker:
                template.touch()
    yield
    if is_first:
        with django_db_blocker.unblock():
            creation._destroy_test_db(_MIGRATED, 0)


@pytest.fixture(autouse=True)
def _heads_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Each test has its own audit trail, and so its own heads outside of it."""
    if _NO_SERVICES:
        yield
        return
    from django.test.utils import override_settings  # noqa: PLC0415

    folder = tmp_path_factory.getbasetemp() / f"audit-heads-{next(_numbers)}"
    with override_settings(AUDIT_HEADS_DIR=folder):
        yield


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """No throttle, lock-out or cached figure of one test reaches the next."""
    yield
    if not _NO_SERVICES:
        from django.core.cache import cache  # noqa: PLC0415

        cache.clear()


@pytest.fixture(autouse=True)
def _invariants_hold(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test on the database: no invariant is broken, whatever the test was about.

    A test that breaks one on purpose is marked `breaks_invariants`.
    """
    on_database = request.node.get_closest_marker("django_db") or _DATABASE_FIXTURES & set(request.fixturenames)
    if not on_database or request.node.get_closest_marker("breaks_invariants"):
        yield
        return
    # Set up before us, so that it is emptied after us.
    request.getfixturevalue("_sound_tables")
    request.getfixturevalue("_django_db_helper")
    failed_before = request.session.testsfailed
    yield
    from django.db import connection  # noqa: PLC0415

    from tests import after_each  # noqa: PLC0415

    if request.session.testsfailed == failed_before and not connection.needs_rollback:
        broken = [f"{breach.code}: {breach.what}" for breach in after_each.breaches()]
        assert not broken, "\n".join(broken)


#: After so many tests on the database their leavings are cleared away.
_SWEPT_AFTER = 150
_unswept: list[str] = []


@pytest.fixture
def _sound_tables(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> None:
    """A test that is rolled back leaves dead rows, and after a thousand of them every look at a table reads those of all: nobody
    clears them away by himself (autovacuum is off).
    """
    from django.db import connection  # noqa: PLC0415

    from tests.owner import sweep_tables  # noqa: PLC0415

    _unswept.append(request.node.nodeid)
    # Where a fixture of the test has begun its transaction already, the next test's turn will do.
    if len(_unswept) >= _SWEPT_AFTER and not connection.in_atomic_block:
        with django_db_blocker.unblock():
            sweep_tables()
        _unswept.clear()


@pytest.fixture
def merchant() -> Merchant:
    """Somebody with one store and one till."""
    from tests.factories import make_merchant  # noqa: PLC0415

    return make_merchant()


@pytest.fixture
def owner(merchant: Merchant) -> Principal:
    return _by(merchant, "owner")


@pytest.fixture
def finance(merchant: Merchant) -> Principal:
    return _by(merchant, "finance")


def _by(merchant: Merchant, role: str) -> Principal:
    from merchants.principals import of_staff  # noqa: PLC0415
    from tests.factories import make_staff  # noqa: PLC0415

    return of_staff(make_staff(merchant, role))
