"""Two logins to one database: the owner's, for migrations, and the application's, which owns nothing (docs/adr/0029)."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection


def application() -> str:
    """The name of the login that web, workers and commands work under."""
    return str(settings.DATABASES["default"]["USER"])


def owner() -> str:
    """The name of the login that migrates. The application's own where there is no other."""
    return str(settings.DATABASE_OWNER["USER"]) if settings.DATABASE_OWNER else application()


@contextmanager
def as_owner() -> Iterator[None]:
    """The default connection, logged in as the owner. Outside of a transaction: inside of one it stays whose it is."""
    if not settings.DATABASE_OWNER or connection.in_atomic_block:
        yield
        return
    before = connection.settings_dict
    connection.close()
    other = {name: settings.DATABASE_OWNER[name] for name in ("USER", "PASSWORD", "HOST", "PORT")}
    connection.settings_dict = {**before, **other}
    try:
        yield
    finally:
        connection.close()
        # Somebody in between may have chosen another database, as tests do.
        connection.settings_dict = before
