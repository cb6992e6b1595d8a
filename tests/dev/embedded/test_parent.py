from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[3]
ASK_UNTIL_TOLD = """
import time
from dev.embedded.parent import Parent
parent = Parent()
print("asking", flush=True)
deadline = time.monotonic() + 60
while not parent.wants_us_to_stop():
    if time.monotonic() > deadline:
        raise SystemExit("nobody told us")
    time.sleep(0.05)
print("told", flush=True)
"""


def _heed_every_signal() -> None:
    for signum in (signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_DFL)


@pytest.mark.skipif(
    "SigCgt:" not in Path("/proc/self/status").read_text(), reason="this kernel does not tell what a process catches"
)
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL], ids=lambda signum: signum.name)
def test_a_signal_to_make_alone_is_noticed(tmp_path: Path, signum: signal.Signals) -> None:
    (tmp_path / "ask.py").write_text(ASK_UNTIL_TOLD)
    (tmp_path / "Makefile").write_text(f"ask:\n\t@exec {sys.executable} {tmp_path / 'ask.py'}\n")
    with subprocess.Popen(
        ["make", "-C", str(tmp_path), "-s", "ask"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # A shell that runs tests in the background has its children ignore Ctrl-C; a terminal has not.
        preexec_fn=_heed_every_signal,
    ) as make:
        assert make.stdout is not None
        assert make.stdout.readline() == "asking\n"
        time.sleep(0.2)
        make.send_signal(signum)
        assert make.stdout.readline() == "told\n"
