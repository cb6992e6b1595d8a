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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from config.embedded import leftovers, ports

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]
# What this run's own services and settings have set must not leak into the demo.
OURS = {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "VAR_DIR", "BASE_URL", "ALLOWED_HOSTS", "SECURE", "MAKEFLAGS", "MAKELEVEL"}


@contextmanager
def demo(place: tuple[Path, int]) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A demo that has said it is ready, and what it said until then."""
    var, port = place
    env = {name: value for name, value in os.environ.items() if name not in OURS}
    process = subprocess.Popen(
        [sys.executable, "-m", "config.embedded", "demo"],
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
        process.wait(timeout=60)
        process.stdout.close()


def get(url: str) -> tuple[int, str]:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 -- our own address
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


def test_demo_when_ready_says_where_everything_is(place: tuple[Path, int]) -> None:
    var, port = place
    with demo(place) as (_process, said):
        assert get(f"http://127.0.0.1:{port}/readyz")[0] == 200
        found = told(place)
        assert found["base_url"] == f"http://127.0.0.1:{port}"
        assert {"cashier", "reviewer", "manager", "finance", "owner"} <= {who["role"] for who in found["staff"]}
        assert len(found["merchants"]) >= 2
        assert Path(found["simulators"]["wechat"]["merchant_private_key_path"]).exists()
        for who in found["staff"]:
            assert who["username"] in "".join(said)
        assert get(found["simulators"]["wechat"]["control_url"] + "/ledger")[0] == 200
    assert not leftovers.belonging(var=var)


def test_second_start_at_once_is_told_about_the_first(place: tuple[Path, int]) -> None:
    with demo(place), pytest.raises(AssertionError, match="already running"), demo(place):
        pass


def test_two_signals_at_once_still_stop_it_cleanly(place: tuple[Path, int]) -> None:
    """Ctrl-C reaches make and us, and make may pass on another one."""
    var, _port = place
    with demo(place) as (process, _said):
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        last = process.stdout.read()
        assert process.wait(timeout=60) == 0, last
        assert "stopped; the data stays in" in last
        assert "Traceback" not in last
    assert not leftovers.belonging(var=var)


def test_later_start_keeps_data_secrets_and_ports(place: tuple[Path, int]) -> None:
    before = told(place), (place[0] / "secrets.json").read_text(), (place[0] / "ports.json").read_text()
    with demo(place):
        assert (
            told(place),
            (place[0] / "secrets.json").read_text(),
            (place[0] / "ports.json").read_text(),
        ) == before


def test_after_a_kill_of_everything_the_next_start_recovers(place: tuple[Path, int]) -> None:
    var, _port = place
    with demo(place) as (process, _said):
        process.kill()
        for pid in leftovers.belonging(var=var):
            os.kill(pid, signal.SIGKILL)
        process.wait()
    with demo(place) as (_process, said):
        assert "making the database cluster" not in "".join(said)
    assert not leftovers.belonging(var=var)
