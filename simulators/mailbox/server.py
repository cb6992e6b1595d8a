"""SMTP on one port, the page and its JSON on another, both on loopback."""

from __future__ import annotations

import argparse
import asyncio
import errno
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from simulators.kit.control import LOOPBACK, answer
from simulators.kit.runner import HOST, PortTaken, Servers, run_to_end, stop_on_signal
from simulators.kit.wire import Unreadable, read_json
from simulators.mailbox.messages import Mailbox, Message, read_mail
from simulators.mailbox.page import mailbox_page

MAX_MAIL = 10 * 1024 * 1024
logger = logging.getLogger(__name__)


class Inbox:
    """aiosmtpd's handler: takes every mail, relays none."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep one mail."""
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode("utf-8", "surrogateescape")
        message = read_mail(raw, sender=envelope.mail_from or "", recipients=list(envelope.rcpt_tos))
        await self._mailbox.keep(message, received_at=time.time())
        return "250 kept"


def mailbox_app(mailbox: Mailbox) -> web.Application:
    """GET /, GET /messages, POST /sms, POST /clear, GET /health."""

    async def index(request: web.Request) -> web.Response:
        to = request.query.get("to", "")
        return mailbox_page(mailbox.newest(to=to, limit=100), to=to)

    async def messages(request: web.Request) -> web.Response:
        query = request.query
        found = mailbox.newest(to=query.get("to", ""), kind=query.get("kind", ""))
        return answer({"messages": [asdict(message) for message in found]})

    async def sms(request: web.Request) -> web.Response:
        body = await read_json(request)
        to, text = body.get("to"), body.get("text")
        if not isinstance(to, str) or not to or not isinstance(text, str) or not text:
            return answer({"error": "to and text must be text"}, status=400)
        await mailbox.keep(Message(kind="sms", sender="", to=[to], subject="", text=text), received_at=time.time())
        return answer({"ok": True}, status=201)

    async def clear(request: web.Request) -> web.Response:
        await mailbox.clear()
        return answer({"ok": True})

    async def health(request: web.Request) -> web.Response:
        return answer({"ok": True, "name": "mailbox"})

    app = web.Application(client_max_size=1024 * 1024, middlewares=[_guard])
    app.add_routes(
        [
            web.get("/", index),
            web.get("/messages", messages),
            web.post("/sms", sms),
            web.post("/clear", clear),
            web.get("/health", health),
        ]
    )
    return app


@web.middleware
async def _guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """This machine only, also when a browser has been led astray by a foreign name or page."""
    led_astray = request.method != "GET" and request.headers.get("Sec-Fetch-Site") == "cross-site"
    if request.host.rsplit(":", 1)[0] not in LOOPBACK or led_astray:
        return answer({"error": "the mailbox answers to this machine only"}, status=403)
    try:
        return await handler(request)
    except Unreadable as error:
        return answer({"error": str(error)}, status=400)


async def serve(mailbox: Mailbox, *, smtp_port: int, http_port: int, stop: asyncio.Event) -> None:
    """Run until ``stop`` is set. Raises PortTaken."""
    servers, inbox = Servers(), Inbox(mailbox)
    loop = asyncio.get_running_loop()

    def connection() -> SMTP:
        return SMTP(inbox, hostname="localhost", data_size_limit=MAX_MAIL, enable_SMTPUTF8=True, loop=loop)

    smtp: asyncio.Server | None = None
    try:
        try:
            smtp = await loop.create_server(connection, HOST, smtp_port)
        except OSError as error:
            reason = "is taken by another process" if error.errno == errno.EADDRINUSE else f"cannot be used: {error}"
            raise PortTaken(f"SMTP port {smtp_port} on {HOST} {reason}") from error
        port = await servers.listen(mailbox_app(mailbox), port=http_port)
        logger.info("mailbox: SMTP on %s:%s, page on http://%s:%s", HOST, smtp_port, HOST, port)
        await stop.wait()
    finally:
        if smtp is not None:
            smtp.close()
        await servers.close()
        mailbox.store.close()


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m simulators.mailbox --smtp-port A --http-port B --state DIR``."""
    arguments = argparse.ArgumentParser(prog="python -m simulators.mailbox")
    arguments.add_argument("--smtp-port", type=int, required=True, help="SMTP on 127.0.0.1")
    arguments.add_argument("--http-port", type=int, required=True, help="page and JSON on 127.0.0.1")
    arguments.add_argument("--state", type=Path, required=True, help="directory of the kept messages")
    given = arguments.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s mailbox %(levelname)s %(message)s")
    logging.getLogger("mail.log").setLevel(logging.WARNING)

    async def life() -> None:
        mailbox = Mailbox(given.state)
        await serve(mailbox, smtp_port=given.smtp_port, http_port=given.http_port, stop=stop_on_signal())

    return run_to_end("simulators.mailbox", life())
