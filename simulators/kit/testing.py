"""For test suites: a simulator in a thread of the test's own process.

with running_simulator("wechat", tmp_path) as wechat:
    wechat.account["base_url"]
    wechat.control("POST", "/payments", {"order_no": "A1", "amount_fen": 1200})
"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from simulators.kit.runner import serve
from simulators.kit.simulator import Options, Simulator

START_S = 30.0
#: name -> where the class lives; imported when asked for, so that a test of one does not load the others.
_CLASSES = {
    "wechat": ("simulators.wechat.simulator", "WechatSimulator"),
    "alipay": ("simulators.alipay.simulator", "AlipaySimulator"),
    "unionpay": ("simulators.unionpay.simulator", "UnionpaySimulator"),
}


class ControlError(AssertionError):
    """The control API refused; carries its words."""


class RunningSimulator:
    """A simulator that answers. ``account`` is account.json; addresses stay the same across ``restart``."""

    def __init__(self, name: str, options: Options) -> None:
        module, attribute = _CLASSES[name]
        self._build: type[Simulator] = getattr(import_module(module), attribute)
        self._options = options
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None
        self.account: dict[str, Any] = {}
        self.start()

    def start(self) -> None:
        """Start, on the earlier ports if there were some. Raises what kept it from starting."""
        ready = threading.Event()
        self._failure = None
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True, name="simulator")
        self._thread.start()
        if not ready.wait(START_S) or self._failure is not None:
            raise RuntimeError(f"the simulator did not start: {self._failure}") from self._failure
        self.account = json.loads((self._options.state_dir / "account.json").read_text())
        self._options = replace(
            self._options,
            port=urlsplit(self.account["base_url"]).port or 0,
            control_port=urlsplit(self.account["control_url"]).port or 0,
        )

    def stop(self) -> None:
        """Stop cleanly; a second call does nothing."""
        if self._thread is None:
            return
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_S)
        self._thread = None

    def restart(self) -> None:
        """Stop and start again on the same state and ports."""
        self.stop()
        self.start()

    def control(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Call the control API; the answer's JSON. Raises ControlError on 4xx and 5xx."""
        address = urlsplit(self.account["control_url"])
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status >= 400:
            raise ControlError(f"{method} {path}: {response.status} {answer}")
        return answer

    def _run(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self._life(ready))
        except BaseException as error:
            self._failure = error
            if not isinstance(error, OSError | RuntimeError):
                raise
        finally:
            ready.set()

    async def _life(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await serve(self._build(self._options), self._stop, ready=ready.set)


@contextmanager
def running_simulator(name: str, state_dir: Path, **options: Any) -> Iterator[RunningSimulator]:
    """Run ``wechat``, ``alipay`` or ``unionpay`` on free ports; ``options`` are fields of ``Options``.

    Tests run with notices repeated a hundred times faster and money moved after 20 ms, unless they say otherwise.
    """
    settings: dict[str, Any] = {
        "notify_scale": 0.01,
        "settle_ms": 20.0,
        "hold_s": 10.0,
        "magic_delay_s": 1.0,
        **options,
    }
    running = RunningSimulator(name, Options(state_dir=state_dir / name, **settings))
    try:
        yield running
    finally:
        running.stop()
