"""The migrated database as a file: migrating takes half a minute, reading the file a second.

Kept in pytest's cache, under the checksum of all that a migration is made of. Where there is none for these migrations, or it
cannot be read, the database is migrated as on a first run. Each database made of it still goes through `migrate`, which finds
nothing to do and sets the rights of the logins.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
from pathlib import Path

import django
from django.conf import settings
from django.db import connection

from core.database import logins
from dev.embedded.postgres import PostgresFailed, binary

_ROOT = Path(__file__).parents[1]
#: What migrations import beside one another stands in core/.
_MADE_OF = ("*/migrations/*.py", "core/**/*.py", "config/settings.py", "requirements.txt")


def file_in(folder: Path) -> Path:
    """Where the database of these migrations is kept; it may not be there."""
    digest = hashlib.sha256(django.__version__.encode())
    for pattern in _MADE_OF:
        for path in sorted(_ROOT.glob(pattern)):
            digest.update(str(path.relative_to(_ROOT)).encode() + path.read_bytes())
    return folder / f"{digest.hexdigest()}.dump"


def keep(file: Path, *, database: str) -> None:
    """Copy the database that the connection has just migrated to ``database``, and that to the file, whole or not at all.

    Files of other migrations go. A server whose version is not that of our `pg_dump` gets none.
    """
    _ask(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
    _ask(f'CREATE DATABASE "{database}" TEMPLATE "{connection.settings_dict["NAME"]}"')
    part = file.with_suffix(f".{os.getpid()}")
    if _run("pg_dump", "--format=custom", "--compress=1", f"--file={part}", database):
        for older in file.parent.glob("*.dump"):
            older.unlink(missing_ok=True)
        part.replace(file)
    part.unlink(missing_ok=True)


def read(file: Path, *, database: str) -> bool:
    """Make ``database`` of the file. False where it could not be made: then there is none."""
    if not file.exists():
        return False
    _ask(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)', f'CREATE DATABASE "{database}"')
    if _run("pg_restore", "--exit-on-error", f"--dbname={database}", str(file)):
        return True
    _ask(f'DROP DATABASE "{database}" WITH (FORCE)')
    file.unlink(missing_ok=True)
    return False


def _run(program: str, *argv: str) -> bool:
    login = settings.DATABASE_OWNER or settings.DATABASES["default"]
    env = os.environ | {f"PG{name}": str(login[name]) for name in ("HOST", "PORT", "USER", "PASSWORD")}
    with contextlib.suppress(PostgresFailed, OSError):
        return subprocess.run([binary(program), *argv], env=env, capture_output=True, check=False).returncode == 0
    return False


def _ask(*statements: str) -> None:
    with logins.as_owner(), connection._nodb_cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
