"""``make peers``: other people's SDKs drive our simulators, so that product and simulators cannot be wrong in the same way.

Each peer gets an environment of its own, a fresh simulator process and two proxies that flip a bit. Told on standard input
(JSON) where everything is, it prints a JSON line a check and a last one that it has finished. Standard library only.

    python -m tests.peers.run [NAME ...]      all, or those whose names begin so
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.peers.environments import HOME, ROOT, NotInstalled, node_environment, python_environment
from tests.peers.wire import inbox, meddler

START_S = 30
PEER_S = 120
STOP_S = 10
#: Characters shown of what a failed check said.
DETAIL = 800


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One foreign client of one simulator."""

    name: str
    channel: str
    #: The command line, and the folder of a JavaScript peer's packages.
    command: Callable[[], tuple[list[str], Path]]


class Tally:
    """Prints a line a check and counts."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def add(self, peer: Peer, name: str, *, passed: bool, detail: str = "") -> None:
        """One check's result, on one line."""
        detail = " ".join(detail.split())[-DETAIL:]
        if passed:
            self.passed += 1
        else:
            self.failed += 1
        verdict = "ok    " if passed else "FAILED"
        sys.stdout.write(f"{verdict} {peer.name}: {name}{f' ({detail})' if detail else ''}\n")
        sys.stdout.flush()


def _python(package: str, script: str) -> tuple[list[str], Path]:
    return [str(python_environment(package)), "-m", f"tests.peers.{script}"], ROOT


def _node(package: str, script: str) -> tuple[list[str], Path]:
    node, modules = node_environment(package)
    return [str(node), str(ROOT / "tests" / "peers" / f"{script}.mjs")], modules


PEERS = (
    Peer(name="wechatpayv3", channel="wechat", command=lambda: _python("wechatpayv3", "wechatpayv3_peer")),
    Peer(
        name="wechatpay-axios-plugin",
        channel="wechat",
        command=lambda: _node("wechatpay-axios-plugin", "wechatpay_axios_plugin_peer"),
    ),
    Peer(name="alipay-sdk", channel="alipay", command=lambda: _node("alipay-sdk", "alipay_sdk_peer")),
    Peer(
        name="python-alipay-sdk",
        channel="alipay",
        command=lambda: _python("python-alipay-sdk", "python_alipay_sdk_peer"),
    ),
    # Only the standard library and openssl: the interpreter of the product's environment will do.
    Peer(
        name="openssl",
        channel="unionpay",
        command=lambda: ([sys.executable, "-m", "tests.peers.unionpay_openssl_peer"], ROOT),
    ),
)


def main() -> int:
    """Run the chosen peers.

    Returns:
        0 if every check passed.
    """
    signal.signal(signal.SIGTERM, _end)
    chosen = [peer for peer in PEERS if not sys.argv[1:] or peer.name.startswith(tuple(sys.argv[1:]))]
    if not shutil.which("openssl"):
        sys.stderr.write("the openssl command is needed\n")
        return 1
    tally = Tally()
    HOME.mkdir(parents=True, exist_ok=True)
    for peer in chosen:
        _run(peer, tally)
    sys.stdout.write(f"\n{tally.passed} passed, {tally.failed} failed\n")
    return 0 if chosen and not tally.failed else 1


def _run(peer: Peer, tally: Tally) -> None:
    """All checks of one peer; whatever keeps it from finishing counts as a failure."""
    try:
        command, modules = peer.command()
    except NotInstalled as error:
        tally.add(peer, "its environment", passed=False, detail=str(error))
        return
    with tempfile.TemporaryDirectory(prefix="peer-") as folder, inbox() as inbox_url:
        work = Path(folder)
        try:
            with (
                _simulator(peer.channel, work / "simulator") as account,
                meddler(account["base_url"], signature=False) as spoiled_body_url,
                meddler(account["base_url"], signature=True) as spoiled_signature_url,
            ):
                brief = {
                    "account": account,
                    "inbox_url": inbox_url,
                    "spoiled_body_url": spoiled_body_url,
                    "spoiled_signature_url": spoiled_signature_url,
                    "modules_dir": str(modules),
                    "work_dir": str(work),
                    **_stranger(work),
                }
                _hear(peer, command, brief, tally)
        except _NoSimulator as error:
            tally.add(peer, "its simulator", passed=False, detail=str(error))


def _hear(peer: Peer, command: list[str], brief: Mapping[str, object], tally: Tally) -> None:
    """Run the peer's script and pass on what it says."""
    # Nothing of the machine's proxies or Python paths reaches a peer; everything it talks to is on this machine.
    environment = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ", "SSL_CERT_FILE") if name in os.environ
    }
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "NO_PROXY": "*"}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    late = ""
    try:
        said, complaint = process.communicate(json.dumps(brief), timeout=PEER_S)
    except subprocess.TimeoutExpired:
        process.kill()
        said, complaint = process.communicate()
        late = f"not done after {PEER_S} s; "
    finally:
        process.kill()
    finished = False
    for line in said.splitlines():
        try:
            heard = json.loads(line) if line.startswith('{"') else {}
        except ValueError:
            continue
        finished |= heard.get("finished") is True
        if "check" in heard:
            tally.add(peer, heard["check"], passed=heard["passed"] is True, detail=heard.get("detail", ""))
    if not finished or process.returncode:
        tally.add(peer, "runs to its end", passed=False, detail=late + complaint.strip()[-1500:])


class _NoSimulator(RuntimeError):
    """A simulator that did not start; carries its words."""


@contextmanager
def _simulator(channel: str, state: Path) -> Iterator[dict[str, str]]:
    """A simulator in a process of its own on free ports: its account.json."""
    state.mkdir()
    account, log = state / "account.json", state.with_suffix(".log")
    argv = [sys.executable, "-m", f"simulators.{channel}", "--port", "0", "--control-port", "0", "--state", str(state)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*argv, "--notify-scale", "0.01", "--settle-ms", "50"], cwd=ROOT, stdout=output, stderr=output
        )
    try:
        end = time.monotonic() + START_S
        while not account.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise _NoSimulator(log.read_text()[-1500:])
            time.sleep(0.05)
        told: dict[str, str] = json.loads(account.read_text())
        yield told
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _stranger(work: Path) -> dict[str, str]:
    """A key pair that neither side knows, made by openssl (PKCS#8 and SubjectPublicKeyInfo)."""
    private, public = work / "stranger.key", work / "stranger.pub"
    make = ["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(private)]
    for arguments in (make, ["pkey", "-in", str(private), "-pubout", "-out", str(public)]):
        subprocess.run(["openssl", *arguments], capture_output=True, check=True, timeout=60)
    return {"stranger_private_key_path": str(private), "stranger_public_key_path": str(public)}


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """SIGTERM unwinds everything, so that no process is left behind."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
