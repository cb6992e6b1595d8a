"""The local mailbox takes mails and short messages and shows them as text."""

from __future__ import annotations

import asyncio
import json
import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from dev.embedded import ports
from simulators.mailbox.messages import KEEP, Mailbox
from simulators.mailbox.server import serve
from tests.simulators.wire import Reply, call, wait_for

JSON = {"Content-Type": "application/json"}


def free_port() -> int:
    """Outside of the range from which connections of others take theirs."""
    return ports.pick_for_tests(count=1)[0]


class Running:
    def __init__(self, directory: Path) -> None:
        self.smtp_port, http_port = free_port(), free_port()
        self.base_url = f"http://127.0.0.1:{http_port}"
        self.loop = asyncio.new_event_loop()
        self.stop = asyncio.Event()

        def run() -> None:
            with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
                runner.run(serve(Mailbox(directory), smtp_port=self.smtp_port, http_port=http_port, stop=self.stop))

        self.thread = threading.Thread(target=run)
        self.thread.start()
        wait_for(self.answers)

    def answers(self) -> bool:
        try:
            return call(self.base_url, "GET", "/health").status == 200
        except OSError:
            return False

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join()

    def messages(self, query: str = "") -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(call(self.base_url, "GET", f"/messages{query}").body)["messages"]
        return found

    def sms(self, body: object) -> Reply:
        return call(self.base_url, "POST", "/sms", json.dumps(body).encode(), JSON)


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    running.end()


#: So long that its header begins on a line of its own, as the desk's do.
_SUBJECT = "鲜禾生活：退款 ¥12.00 已到账，请查收（RF-261128-0903）"


def mail(to: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "RefundDesk <desk@shop.example>"
    message["To"] = to
    message["Subject"] = _SUBJECT
    message.set_content("请查看 http://127.0.0.1:8000/t/abc?x=1&y=2\n<script>alert(1)</script>\n")
    message.add_alternative("<p>请<a href='http://127.0.0.1:8000/t/abc'>查看</a></p>", subtype="html")
    return message


def test_mail_is_kept_and_shown_as_text(mailbox: Running) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port) as connection:
        connection.send_message(mail("li@example.com"))

    (kept,) = mailbox.messages()
    page = call(mailbox.base_url, "GET", "/").body.decode()

    assert kept["to"] == ["li@example.com"]
    assert kept["subject"] == _SUBJECT
    assert str(kept["html"]).startswith("<p>请")
    assert _SUBJECT in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert "href='http://127.0.0.1:8000/t/abc?x=1&amp;y=2'" in page


def test_newest_first_filtered_and_cleared(mailbox: Running) -> None:
    for number in range(3):
        assert mailbox.sms({"to": f"1380000000{number}", "text": f"第{number}条"}).status == 201

    assert [message["text"] for message in mailbox.messages()] == ["第2条", "第1条", "第0条"]
    assert [message["text"] for message in mailbox.messages("?to=13800000001")] == ["第1条"]
    assert mailbox.messages("?kind=email") == []
    assert mailbox.sms({"to": "", "text": "x"}).status == 400
    assert mailbox.sms(["x"]).status == 400
    assert call(mailbox.base_url, "POST", "/clear").status == 200
    assert mailbox.messages() == []


def test_foreign_names_and_pages_are_refused(mailbox: Running) -> None:
    assert call(mailbox.base_url, "GET", "/messages", headers={"Host": "evil.example"}).status == 403
    assert call(mailbox.base_url, "POST", "/clear", headers={"Sec-Fetch-Site": "cross-site"}).status == 403


def test_last_five_hundred_survive_a_restart(tmp_path: Path) -> None:
    first = Running(tmp_path)
    try:
        for number in range(KEEP + 5):
            first.sms({"to": "1", "text": str(number)})
    finally:
        first.end()
    second = Running(tmp_path)
    try:
        kept = [message["text"] for message in second.messages()]
    finally:
        second.end()

    assert kept == [str(number) for number in range(KEEP + 4, 4, -1)]
