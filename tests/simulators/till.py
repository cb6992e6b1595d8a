"""A till in the browser for tests: its server in a thread, described as the demo describes it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.embedded import ports
from simulators.terminal.server import serve, till_of
from tests.simulators.wire import call, wait_for


@contextmanager
def running_till(folder: Path, *, base_url: str, api_key: str, control_url: str = "") -> Iterator[str]:
    """The address of a till POS-01 in S001 that sends to ``base_url``; the file may be written anew meanwhile."""
    file = folder / "demo.json"
    stores = [{"code": "S001", "name": "Store", "terminals": ["POS-01"], "cashiers": ["C001"]}]
    house = {"code": "M", "name": "Merchant", "api_key": api_key, "stores": stores}
    simulators = {"wechat": {"control_url": control_url}} if control_url else {}
    file.write_text(json.dumps({"base_url": base_url, "merchants": [house], "simulators": simulators}))
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    port = ports.pick_for_tests(count=1)[0]

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve(lambda: till_of(file, merchant="", terminal=""), port=port, stop=stop))

    def answers() -> bool:
        try:
            return call(f"http://127.0.0.1:{port}", "GET", "/health").status == 200
        except OSError:
            return False

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        wait_for(answers)
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
