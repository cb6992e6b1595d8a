"""Real servers on this machine: one that takes mail or refuses it, and the mailbox of the demo."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import urllib3
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pytest_django.fixtures import Settings

from dev.embedded import ports
from refunds.telling import carriers


def free_port() -> int:
    """Outside of the range from which connections of others take theirs."""
    return ports.pick_for_tests(count=1)[0]


@dataclass
class MailServer:
    """What came in; ``recipient_answer`` and ``data_answer`` are what the server says next."""

    port: int
    recipient_answer: str = "250 ok"
    data_answer: str = "250 kept"
    mails: list[Envelope] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.data_answer.startswith("250"):
            self.mails.append(envelope)
        return self.data_answer


@pytest.fixture
def mail_server(settings: Settings) -> Iterator[MailServer]:
    """A real SMTP server to which the product's mail goes."""
    server = MailServer(free_port())
    controller = Controller(server, hostname="127.0.0.1", port=server.port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 30
    yield server
    # A line that is still being hung up when the server stops would never be closed.
    until = time.monotonic() + 30
    while asyncio.all_tasks(controller.loop) and time.monotonic() < until:
        time.sleep(0.01)
    controller.stop()


@dataclass
class Mailbox:
    """The running mailbox simulator."""

    base_url: str

    def messages(self, **query: str) -> list[dict[str, Any]]:
        answer = urllib3.request("GET", f"{self.base_url}/messages", fields=query)
        found: list[dict[str, Any]] = json.loads(answer.data)["messages"]
        return found


def _answers(mailbox: Mailbox) -> bool:
    try:
        return urllib3.request("GET", f"{mailbox.base_url}/health", retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


@pytest.fixture(scope="session")
def _mailbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mailbox, int]]:
    smtp_port, http_port = free_port(), free_port()
    command = [sys.executable, "-m", "simulators.mailbox", "--smtp-port", str(smtp_port), "--http-port", str(http_port)]
    state: Path = tmp_path_factory.mktemp("mailbox")
    process = subprocess.Popen([*command, "--state", str(state)], stderr=subprocess.DEVNULL)
    mailbox = Mailbox(f"http://127.0.0.1:{http_port}")
    until = time.monotonic() + 60
    while not _answers(mailbox):
        assert process.poll() is None, "the mailbox has ended"
        assert time.monotonic() < until, "the mailbox does not answer"
        time.sleep(0.05)
    yield mailbox, smtp_port
    process.terminate()
    process.wait(60)


@pytest.fixture
def mailbox(_mailbox_process: tuple[Mailbox, int], settings: Settings) -> Mailbox:
    """The demo's mailbox, emptied; mail and SMS of the product go there."""
    mailbox, smtp_port = _mailbox_process
    urllib3.request("POST", f"{mailbox.base_url}/clear")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", smtp_port
    settings.SMS_OUTBOX_URL = mailbox.base_url
    return mailbox


@pytest.fixture(autouse=True)
def _own_carriers() -> Iterator[None]:
    """No carrier, and no connection of one, outlives its test."""
    carriers.carrier_for.cache_clear()
    yield
    carriers._http().clear()
    carriers._http.cache_clear()
    carriers.carrier_for.cache_clear()
