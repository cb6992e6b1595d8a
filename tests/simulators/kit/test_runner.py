"""The processes: ready file, clean end on a signal, one clear line when a port is taken."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from simulators.kit.testing import running_simulator
from tests.simulators.wire import call, wait_for

ROOT = Path(__file__).parents[3]


def start(name: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"simulators.{name}", *arguments], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_announces_itself_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    account_path = tmp_path / "account.json"
    process = start("wechat", "--port", "0", "--control-port", "0", "--state", str(tmp_path))
    try:
        wait_for(account_path.exists)
        account = json.loads(account_path.read_text())
        assert stat.S_IMODE(account_path.stat().st_mode) == 0o600
        assert stat.S_IMODE(os.stat(account["merchant_private_key_path"]).st_mode) == 0o600
        assert call(account["control_url"], "GET", "/health").status == 200
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "Traceback" not in errors
    finally:
        process.kill()
        process.wait()


def test_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with running_simulator("wechat", tmp_path / "first") as first:
        port = first.account["base_url"].rsplit(":", 1)[1]
        process = start("wechat", "--port", port, "--control-port", "0", "--state", str(tmp_path / "second"))
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert f"simulators.wechat: port {port} on 127.0.0.1 is taken" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "second" / "account.json").exists()
