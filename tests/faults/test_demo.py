"""`make demo` as a person has it: ready on a bare machine, nothing left when it ends, the data kept.

In a folder of its own, so that a demo somebody runs beside the tests is left alone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from dev.embedded import leftovers, ports
from dev.embedded.postgres import binary
from tests.faults.house import PATIENCE_S, wait_until

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]
#: A web worker may be in a call, which gunicorn gives some seconds.
ORPHANS_END_WITHIN_S = 30
# What this run's own services and settings have set must not leak into the demo.
OURS = {
    *("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "VAR_DIR", "BASE_URL", "ALLOWED_HOSTS", "SECURE"),
    *("MAKEFLAGS", "MAKELEVEL"),
}


@contextmanager
def demo(place: tuple[Path, int]) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A demo that has said it is ready, and what it said until then."""
    var, port = place
    env = {name: value for name, value in os.environ.items() if name not in OURS}
    process = subprocess.Popen(
        [sys.executable, "-m", "dev.embedded", "demo"],
        cwd=ROOT,
        env=env | {"VAR_DIR": str(var), "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C stops everything" in line:
                break
        else:
            # Its output has ended, so it has or is about to: poll() would race with that.
            raise AssertionError("".join(said))
        yield process, said
    finally:
        process.terminate()
        process.wait(timeout=2 * PATIENCE_S)
        process.stdout.close()


def status(place: tuple[Path, int]) -> str:
    env = {name: value for name, value in os.environ.items() if name not in OURS}
    argv = [sys.executable, "-m", "dev.embedded", "status"]
    asked = subprocess.run(
        argv, cwd=ROOT, env=env | {"VAR_DIR": str(place[0])}, capture_output=True, text=True, check=False
    )
    return asked.stdout


def kill_all_of(var: Path) -> None:
    """kill -9 of everything there, until nothing is left: processes end by themselves meanwhile, and others have just begun."""
    while pids := leftovers.belonging(var=var):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def get(url: str) -> tuple[int, str]:
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 -- our own address
        return answer.status, answer.read().decode()


def told(place: tuple[Path, int]) -> dict[str, Any]:
    file = place[0] / "demo.json"
    assert file.stat().st_mode & 0o777 == 0o600
    found: dict[str, Any] = json.loads(file.read_text())
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A folder of data and a port with which the demo has been started once."""
    # A blank in the path: people have those.
    found = tmp_path_factory.mktemp("a demo") / "var", ports.pick_for_tests(count=1)[0]
    with demo(found) as (_process, said):
        assert "making the database cluster" in "".join(said)
    assert not leftovers.belonging(var=found[0])
    return found


def test_later_start_says_where_everything_is_and_keeps_data_secrets_and_ports(place: tuple[Path, int]) -> None:
    var, port = place

    def kept() -> tuple[Any, str, str]:
        return told(place), (var / "secrets.json").read_text(), (var / "ports.json").read_text()

    before = kept()
    with demo(place) as (_process, said):
        assert kept() == before
        assert get(f"http://127.0.0.1:{port}/readyz")[0] == 200
        found = told(place)
        assert found["base_url"] == f"http://localhost:{port}"
        assert {"cashier", "reviewer", "manager", "finance", "owner"} <= {who["role"] for who in found["staff"]}
        assert len(found["merchants"]) >= 2
        assert Path(found["simulators"]["wechat"]["merchant_private_key_path"]).exists()
        for who in found["staff"]:
            assert who["username"] in "".join(said)
        assert get(found["simulators"]["wechat"]["control_url"] + "/ledger")[0] == 200
    assert not leftovers.belonging(var=var)


@pytest.mark.long
def test_second_start_at_once_is_told_about_the_first(place: tuple[Path, int]) -> None:
    with demo(place), pytest.raises(AssertionError, match="already running"), demo(place):
        pass


@pytest.mark.long
def test_two_signals_at_once_still_stop_it_cleanly(place: tuple[Path, int]) -> None:
    """Ctrl-C reaches make and us, and make may pass on another one."""
    var, _port = place
    with demo(place) as (process, _said):
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        last = process.stdout.read()
        assert process.wait(timeout=2 * PATIENCE_S) == 0, last
        assert "stopped; the data stays in" in last
        assert "Traceback" not in last
    assert not leftovers.belonging(var=var)


@pytest.mark.long
def test_kill_of_parent_and_supervisor_together_ends_everything_and_stops_the_database_cleanly(
    place: tuple[Path, int],
) -> None:
    var, _port = place
    with demo(place) as (process, _said):
        supervisor = int((var / "run" / "supervisord.pid").read_text())
        # The supervisor first: the other way round it would stop everything in order, as it should.
        process.send_signal(signal.SIGSTOP)
        os.kill(supervisor, signal.SIGKILL)
        process.kill()
        process.wait()
        wait_until(lambda: not leftovers.belonging(var=var), seconds=ORPHANS_END_WITHIN_S, what="nothing is left")
        assert status(place) == "not running\n"
    state = subprocess.run(
        [binary("pg_controldata"), var / "postgres"], capture_output=True, text=True, check=True, env={"LC_ALL": "C"}
    )
    assert "shut down\n" in state.stdout
    with demo(place):
        assert status(place).startswith("running: ")


@pytest.mark.long
def test_after_a_kill_of_everything_the_next_start_recovers(place: tuple[Path, int]) -> None:
    var, _port = place
    with demo(place) as (process, _said):
        process.kill()
        kill_all_of(var)
        process.wait()
    with demo(place) as (_process, said):
        assert "making the database cluster" not in "".join(said)
    assert not leftovers.belonging(var=var)
