"""The command that `make test` itself stands on, run as its users run it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.embedded import leftovers

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "dev.embedded", "test-services", "--"]
# What this run's own services have set must not leak into the one under test.
CLEAN = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL", "VAR_DIR"}}

USE_BOTH = """
import os, psycopg2, redis
for login, owns in (("DATABASE_URL", False), ("DATABASE_OWNER_URL", True)):
    with psycopg2.connect(os.environ[login]) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        assert cursor.fetchone()[0].startswith("18")
        privilege = "has_database_privilege('refunddesk', 'CREATE')"
        cursor.execute(f"SELECT rolsuper, {privilege} FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, owns)
        if owns:
            cursor.execute("CREATE EXTENSION pg_trgm")
redis.Redis.from_url(os.environ["REDIS_URL"]).set("a", "b")
"""


def test_command_gets_both_services_and_its_exit_status_is_passed_on() -> None:
    used = subprocess.run([*COMMAND, sys.executable, "-c", USE_BOTH], cwd=ROOT, env=CLEAN, check=False)
    assert used.returncode == 0
    failed = subprocess.run([*COMMAND, sys.executable, "-c", "raise SystemExit(7)"], cwd=ROOT, env=CLEAN, check=False)
    assert failed.returncode == 7


def test_services_refuse_a_wrong_password() -> None:
    wrong = """
import os, psycopg2, redis, re
try:
    psycopg2.connect(re.sub(r":[0-9a-f]{64}@", ":wrong@", os.environ["DATABASE_URL"]))
except psycopg2.OperationalError as error:
    assert "password authentication failed" in str(error), error
try:
    redis.Redis.from_url(re.sub(r":[0-9a-f]{64}@", ":wrong@", os.environ["REDIS_URL"])).ping()
except redis.AuthenticationError:
    raise SystemExit(42)
"""
    done = subprocess.run([*COMMAND, sys.executable, "-c", wrong], cwd=ROOT, env=CLEAN, check=False)
    assert done.returncode == 42


@pytest.fixture
def sleeping() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Services with a command that sleeps, and the folder they work in."""
    tell = "import os, time; print(os.environ['VAR_DIR'], flush=True); time.sleep(120)"
    with subprocess.Popen(
        [*COMMAND, sys.executable, "-c", tell], cwd=ROOT, env=CLEAN, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip()).parent
        process.kill()


def test_sigterm_ends_the_command_and_the_services(sleeping: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = sleeping
    assert leftovers.belonging(var=folder)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert not leftovers.belonging(var=folder)
    assert not folder.exists()


def test_command_and_services_die_with_a_killed_parent(sleeping: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = sleeping
    assert leftovers.belonging(var=folder)
    assert process.stdout is not None
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while leftovers.belonging(var=folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not leftovers.belonging(var=folder)
    # Nobody else holds the other end of its pipe: it ends with the command.
    assert select.select([process.stdout], [], [], 60)[0], "the command goes on without its services"
