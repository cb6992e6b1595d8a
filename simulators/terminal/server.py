"""The till's small server on loopback: its screen, its key (which the browser never sees), and payments at the stand-ins."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import segno
from aiohttp import web

from simulators.kit.control import LOOPBACK, answer
from simulators.kit.runner import HOST, Servers, run_to_end, stop_on_signal
from simulators.kit.wire import Unreadable, read_json

#: Reported by the heartbeat.
VERSION = "1.0.0"
_HERE = Path(__file__).parent
_SCREEN = {"screen.js": "text/javascript", "texts.js": "text/javascript", "screen.css": "text/css"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_SENT_ON = ("Content-Type", "Idempotency-Key", "Accept-Language")
_SENT_BACK = ("Content-Type", "Retry-After", "Idempotent-Replayed", "X-Request-Id")
_CHINA = ZoneInfo("Asia/Shanghai")
logger = logging.getLogger(__name__)


class NotSetUp(Exception):
    """The file with address and key is not there yet, or holds no such till."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """Which till this is, and where it sends. ``stand_ins``: channel -> address of its control API."""

    base_url: str
    api_key: str
    shown: dict[str, Any]
    stand_ins: dict[str, str]


def till_of(file: Path, *, merchant: str, terminal: str) -> Till:
    """The till that the demo's file describes; "" takes the first one. Read at each call: the file may be written anew.

    Raises ``NotSetUp``.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        house = next(one for one in data["merchants"] if merchant in ("", one["code"]))
        store, code = next(
            (store, code) for store in house["stores"] for code in store["terminals"] if terminal in ("", code)
        )
        controls = {channel: account["control_url"] for channel, account in data["simulators"].items()}
        shown = {
            "merchant": house["name"],
            "store": store["code"],
            "store_name": store["name"],
            "terminal": code,
            "cashiers": store["cashiers"],
            "channels": [*controls, "cash"],
            "version": VERSION,
        }
        return Till(base_url=data["base_url"], api_key=house["api_key"], shown=shown, stand_ins=controls)
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        raise NotSetUp(f"{file} does not describe this till yet") from error


def terminal_app(find: Callable[[], Till]) -> web.Application:
    """GET / and its files, /till, /qr, /health; POST /payments; /api/v1/... is the product's, under the till's key."""

    async def till(request: web.Request) -> web.Response:
        return answer(find().shown)

    async def pay(request: web.Request) -> web.Response:
        """What a card reader or a scanner does at a till: the channel takes the customer's money."""
        body, at = await read_json(request), datetime.now(_CHINA).replace(microsecond=0)
        channel, amount_fen = str(body.get("channel")), body.get("amount_fen")
        if not isinstance(amount_fen, int) or isinstance(amount_fen, bool) or amount_fen <= 0:
            return answer({"error": "amount_fen must be a whole number above 0"}, status=400)
        number = f"T{at:%y%m%d%H%M%S}{secrets.randbelow(10**8):08}"
        if channel != "cash":
            control = find().stand_ins.get(channel)
            if control is None:
                return answer({"error": "no such channel"}, status=400)
            paid = {
                "order_no": body.get("order_no"),
                "transaction_no": number,
                "amount_fen": amount_fen,
                "paid_at": at.isoformat(),
            }
            async with session(request).post(f"{control}/payments", json=paid) as reply:
                if reply.status != 201:
                    return answer({"error": await reply.text()}, status=502)
            if body.get("answer") == "lost":
                return answer({"error": "the channel did not answer in time"}, status=504)
        return answer({"channel_transaction_no": number, "paid_at": at.isoformat()}, status=201)

    async def forward(request: web.Request) -> web.Response:
        known = find()
        headers = {name: request.headers[name] for name in _SENT_ON if name in request.headers}
        headers["Authorization"] = f"Bearer {known.api_key}"
        async with session(request).request(
            request.method, known.base_url + request.path_qs, data=await request.read(), headers=headers
        ) as reply:
            back = {name: reply.headers[name] for name in _SENT_BACK if name in reply.headers}
            return web.Response(body=await reply.read(), status=reply.status, headers=back)

    async def health(request: web.Request) -> web.Response:
        return answer({"ok": True, "name": "terminal", "at": time.time()})

    async def client(app: web.Application) -> Any:
        app[_SESSION] = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15), auto_decompress=True)
        yield
        await app[_SESSION].close()

    app = web.Application(client_max_size=1024 * 1024, middlewares=[_guard])
    app.cleanup_ctx.append(client)
    app.add_routes([web.get("/", _index), *(web.get(f"/{name}", _part) for name in _SCREEN)])
    app.add_routes(
        [web.get("/till", till), web.get("/qr", _qr), web.get("/health", health), web.post("/payments", pay)]
    )
    app.add_routes([web.route(method, "/api/v1/{call:.+}", forward) for method in ("GET", "POST")])
    return app


_SESSION = web.AppKey("session", aiohttp.ClientSession)


def session(request: web.Request) -> aiohttp.ClientSession:
    """The one client of this process."""
    return request.app[_SESSION]


async def _index(request: web.Request) -> web.Response:
    return web.Response(text=(_HERE / "screen.html").read_text("utf-8"), content_type="text/html", headers=_HEADERS)


async def _part(request: web.Request) -> web.Response:
    name = request.path.lstrip("/")
    return web.Response(text=(_HERE / name).read_text("utf-8"), content_type=_SCREEN[name], headers=_HEADERS)


async def _qr(request: web.Request) -> web.Response:
    drawing = BytesIO()
    segno.make(request.query.get("text", "")[:300] or "-", error="m").save(drawing, kind="svg", scale=5, border=2)
    return web.Response(body=drawing.getvalue(), content_type="image/svg+xml", headers=_HEADERS)


@web.middleware
async def _guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """This machine and this screen only: whoever reaches the till acts with its key."""
    foreign = request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")
    if request.host.rsplit(":", 1)[0] not in LOOPBACK or (foreign and request.path != "/"):
        return answer({"error": "the till answers to its own screen only"}, status=403)
    try:
        return await handler(request)
    except Unreadable as error:
        return answer({"error": str(error)}, status=400)
    except NotSetUp as error:
        return answer({"error": str(error)}, status=503)
    except (aiohttp.ClientError, TimeoutError) as error:
        # The line is cut: the screen keeps what it wanted to send.
        return answer({"error": f"no line: {type(error).__name__}"}, status=504)


async def serve(find: Callable[[], Till], *, port: int, stop: asyncio.Event) -> None:
    """Run until ``stop`` is set. Raises PortTaken."""
    servers = Servers()
    try:
        logger.info("terminal on http://%s:%s", HOST, await servers.listen(terminal_app(find), port=port))
        await stop.wait()
    finally:
        await servers.close()


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m simulators.terminal --port A --demo-json FILE``."""
    arguments = argparse.ArgumentParser(prog="python -m simulators.terminal")
    arguments.add_argument("--port", type=int, required=True, help="the screen on 127.0.0.1")
    arguments.add_argument("--demo-json", type=Path, required=True, help="addresses and keys, as the demo writes them")
    arguments.add_argument("--merchant", default="", help="its code; left out: the first of the file")
    arguments.add_argument("--terminal", default="", help="its code; left out: the merchant's first")
    given = arguments.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s terminal %(levelname)s %(message)s")

    async def life() -> None:
        def find() -> Till:
            return till_of(given.demo_json, merchant=given.merchant, terminal=given.terminal)

        await serve(find, port=given.port, stop=stop_on_signal())

    return run_to_end("simulators.terminal", life())
