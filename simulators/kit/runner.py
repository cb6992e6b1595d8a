"""Start, announce, wait for a signal, stop: the life of a simulator process."""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from simulators.kit.control import control_app
from simulators.kit.keys import write_private
from simulators.kit.page import page
from simulators.kit.simulator import Options, Simulator

HOST = "127.0.0.1"
SHUTDOWN_S = 1.0
logger = logging.getLogger(__name__)


class PortTaken(OSError):
    """The port cannot be had; names it."""


@dataclass(slots=True)
class Servers:
    """The HTTP servers of one process."""

    runners: list[web.AppRunner] = field(default_factory=list)

    async def listen(self, app: web.Application, *, port: int) -> int:
        """Serve an application on loopback; answers the port. Raises PortTaken."""
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        self.runners.append(runner)
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            reason = "is taken by another process" if error.errno == errno.EADDRINUSE else f"cannot be used: {error}"
            raise PortTaken(f"port {port} on {HOST} {reason}") from error
        return int(runner.addresses[0][1])

    async def close(self) -> None:
        """Stop listening and end what is under way."""
        for runner in self.runners:
            await runner.cleanup()


def gateway_app(simulator: Simulator) -> web.Application:
    """The channel's own address: its protocol, and a page for people at the root."""
    app = web.Application(client_max_size=4 * 1024 * 1024)

    async def index(request: web.Request) -> web.Response:
        return page(simulator, controls=False)

    app.add_routes([web.get("/", index), *simulator.routes()])
    return app


async def serve(simulator: Simulator, stop: asyncio.Event, *, ready: Callable[[], None] = lambda: None) -> None:
    """Run a simulator until ``stop`` is set. Raises PortTaken.

    account.json appears once it answers, then ``ready`` is called.
    """
    options, servers = simulator.options, Servers()
    account_path = options.state_dir / "account.json"
    account_path.unlink(missing_ok=True)
    try:
        port = await servers.listen(gateway_app(simulator), port=options.port)
        control_port = await servers.listen(control_app(simulator), port=options.control_port)
        await simulator.start(base_url=f"http://{HOST}:{port}", control_url=f"http://{HOST}:{control_port}")
        write_private(account_path, json.dumps(simulator.account(), indent=1).encode())
        logger.info("%s listens on %s, control on %s", simulator.name, simulator.base_url, simulator.control_url)
        ready()
        await stop.wait()
    finally:
        simulator.stopping.set()
        await servers.close()
        await simulator.stop()


def parser(name: str) -> argparse.ArgumentParser:
    """The arguments that every simulator takes."""
    arguments = argparse.ArgumentParser(prog=f"python -m simulators.{name}")
    arguments.add_argument("--port", type=int, required=True, help="gateway on 127.0.0.1; 0 takes a free port")
    arguments.add_argument("--control-port", type=int, required=True, help="control API on 127.0.0.1")
    arguments.add_argument("--state", type=Path, required=True, help="directory of keys, ledger and account.json")
    arguments.add_argument("--notify-scale", type=float, default=1.0, help="multiplies the notices' repeat schedule")
    arguments.add_argument("--settle-ms", type=float, default=300.0, help="from acceptance to money moved")
    arguments.add_argument("--hold-s", type=float, default=20.0, help="how long a time-out lasts before the cut")
    arguments.add_argument("--magic-delay-s", type=float, default=6.0, help="how long a magic .01 is processed")
    arguments.add_argument("--no-magic", action="store_true", help="no outcomes chosen by the amount's last digits")
    return arguments


def options_from(arguments: argparse.Namespace) -> Options:
    """Options from parsed arguments."""
    return Options(
        state_dir=arguments.state,
        port=arguments.port,
        control_port=arguments.control_port,
        notify_scale=arguments.notify_scale,
        settle_ms=arguments.settle_ms,
        hold_s=arguments.hold_s,
        magic_delay_s=arguments.magic_delay_s,
        magic=not arguments.no_magic,
    )


def run(build: type[Simulator], argv: Sequence[str] | None = None) -> int:
    """``python -m simulators.<name>``: 0 after SIGTERM or SIGINT, 1 with a clear line when it cannot start."""
    options = options_from(parser(build.name).parse_args(argv))
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {build.name} %(levelname)s %(message)s")

    async def life() -> None:
        await serve(build(options), stop_on_signal())

    return run_to_end(f"simulators.{build.name}", life())


def stop_on_signal() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def run_to_end(name: str, life: Coroutine[object, object, None]) -> int:
    """Run a process's main coroutine; a taken port becomes one line and exit code 1."""
    try:
        asyncio.run(life)
    except PortTaken as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    return 0
