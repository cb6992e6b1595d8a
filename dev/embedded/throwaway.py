"""Services that live as long as one command: `python -m dev.embedded test-services -- pytest ...`."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from dev.embedded import keys, ports, processes
from dev.embedded.postgres import Cluster, PostgresFailed
from dev.embedded.rootless import launcher
from dev.embedded.valkey import Valkey, ValkeyFailed

# The test databases of three workers with their log stay well below this.
_ROOM_BYTES = 2 * 1024**3
_ATTEMPTS = 3
_PREFIX = "refunddesk-test-"
# A folder this young may be about to be locked by the run that has just made it.
_YOUNG_S = 60


def run_with_services(*, argv: Sequence[str], durable: bool = False) -> int:
    """Run `argv` beside a fresh PostgreSQL and Valkey and stop them afterwards.

    The command gets DATABASE_URL, DATABASE_OWNER_URL, REDIS_URL and every other setting it cannot do without. With
    TEST_USE_ENV=1 the caller's own DATABASE_URL and REDIS_URL are used and nothing is started. `durable` keeps fsync on
    and the data on disk, as benchmarks need it.

    Returns:
        The command's exit status; 128 + n if signal n ended it.
    """
    if os.environ.get("TEST_USE_ENV") == "1" and "DATABASE_URL" in os.environ and "REDIS_URL" in os.environ:
        with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
            return _run(argv=argv, env=_settings(var=Path(folder)) | os.environ)
    place = Path((not durable and _roomy_memory()) or tempfile.gettempdir())
    _sweep(place)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=place) as folder:
        root = Path(folder)
        (root / "var").mkdir()
        with _in_use(root), _services(root=root, durable=durable) as addresses:
            return _run(argv=argv, env=_settings(var=root / "var") | os.environ | addresses)


@contextmanager
def _services(*, root: Path, durable: bool) -> Iterator[dict[str, str]]:
    for attempt in range(1, _ATTEMPTS + 1):
        postgres_port, valkey_port = ports.pick_for_tests(count=2)
        cluster = Cluster(
            folder=root / "postgres",
            port=postgres_port,
            superuser_password=keys.token(),
            owner_password=keys.token(),
            application_password=keys.token(),
            launcher=launcher(),
            throwaway=not durable,
        )
        valkey = Valkey(folder=root / "valkey", port=valkey_port, password=keys.token(), throwaway=not durable)
        log_path = root / "services.log"
        cluster.initialise()
        valkey.initialise()
        with log_path.open("wb") as log:
            database = processes.start(argv=cluster.command(), stop_signal=signal.SIGINT, log=log)
            broker = processes.start(argv=valkey.command(), stop_signal=signal.SIGTERM, log=log)
            try:
                try:
                    cluster.wait_until_ready(timeout_s=20)
                    cluster.ensure_database()
                    valkey.wait_until_ready(timeout_s=10)
                except (PostgresFailed, ValkeyFailed):
                    # Somebody else may have taken a port between our look and our use of it.
                    if attempt == _ATTEMPTS:
                        sys.stderr.write(log_path.read_text(errors="replace"))
                        raise
                    continue
                yield {"DATABASE_URL": cluster.url, "DATABASE_OWNER_URL": cluster.owner_url, "REDIS_URL": valkey.url}
                return
            finally:
                processes.stop(process=broker)
                # Nothing in there is wanted any more, so not even a checkpoint is.
                processes.stop(process=database, sig=signal.SIGQUIT)
                shutil.rmtree(cluster.folder, ignore_errors=True)


def _run(*, argv: Sequence[str], env: dict[str, str]) -> int:
    # Without us it has no services any more.
    child = subprocess.Popen(list(argv), env=env, preexec_fn=processes.die_with_parent(sig=signal.SIGTERM))

    def pass_on(signum: int, _frame: FrameType | None) -> None:
        # At a terminal Ctrl-C already reaches the whole group; a second SIGINT would cut the clean-up short.
        if signum != signal.SIGINT or not sys.stdin or not sys.stdin.isatty():
            child.send_signal(signum)

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, pass_on)
    status = child.wait()
    return 128 - status if status < 0 else status


def _settings(*, var: Path) -> dict[str, str]:
    return {
        **keys.application_keys(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "BASE_URL": "http://127.0.0.1:8000",
        "ALLOWED_HOSTS": "*",
        "SECURE": "false",
        "VAR_DIR": str(var),
    }


@contextmanager
def _in_use(root: Path) -> Iterator[None]:
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sweep(place: Path) -> None:
    """Delete what runs that were killed have left: it lies in memory."""
    for folder in place.glob(f"{_PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime < _YOUNG_S:
                continue
            with (folder / "lock").open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            # In use, not ready yet, or another user's.
            continue
        shutil.rmtree(folder, ignore_errors=True)


def _roomy_memory() -> str | None:
    """The folder in memory, where there is one with room; else None, the system's place for temporary files."""
    memory = Path("/dev/shm")  # noqa: S108 -- a fresh folder that only we can enter is made in it
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM_BYTES:
        return str(memory)
    return None
