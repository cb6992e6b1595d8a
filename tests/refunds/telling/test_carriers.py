"""Carriers against real servers: what arrives, what may be tried again, what is over."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from email import policy
from email.parser import BytesParser

import pytest
from pytest_django.fixtures import Settings

from refunds.telling.carriers import DeliveryFailed, OutboxSmsCarrier, SmtpCarrier, Text
from tests.refunds.telling.conftest import Mailbox, MailServer, free_port

MAIL = Text("鲜禾生活：退款成功", "¥12.00 已退回微信零钱。\n\nhttp://x/r/t", "<p>¥12.00 已退回微信零钱。</p>")


def test_a_mail_arrives_with_both_bodies(mail_server: MailServer) -> None:
    assert SmtpCarrier().send(recipient="wang@example.com", text=MAIL) == "accepted"
    (envelope,) = mail_server.mails
    assert envelope.rcpt_tos == ["wang@example.com"]
    assert isinstance(envelope.content, bytes)
    mail = BytesParser(policy=policy.default).parsebytes(envelope.content)
    assert mail["Subject"] == MAIL.subject
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert "已退回微信零钱" in plain.get_content()
    assert "<p>¥12.00" in rich.get_content()


@pytest.mark.parametrize(
    ("recipient_answer", "data_answer", "permanent"),
    [
        ("550 no such user", "250 kept", True),
        ("450 mailbox busy", "250 kept", False),
        ("250 ok", "554 spam", True),
        ("250 ok", "451 try later", False),
        ("250 ok", "421 shutting down", False),
    ],
)
def test_the_servers_word_decides_whether_to_try_again(
    mail_server: MailServer, recipient_answer: str, data_answer: str, permanent: bool
) -> None:
    mail_server.recipient_answer, mail_server.data_answer = recipient_answer, data_answer
    with pytest.raises(DeliveryFailed) as failed:
        SmtpCarrier().send(recipient="wang@example.com", text=MAIL)
    assert failed.value.permanent is permanent
    assert "wang" not in str(failed.value), "an error is logged and shown: it names nobody"
    assert not mail_server.mails


def test_a_login_that_is_refused_is_ours_to_mend(mail_server: MailServer, settings: Settings) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "us", "wrong"
    with pytest.raises(DeliveryFailed) as failed:
        SmtpCarrier().send(recipient="wang@example.com", text=MAIL)
    assert not failed.value.permanent


def test_no_server_is_a_reason_to_try_again(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    with pytest.raises(DeliveryFailed) as failed:
        SmtpCarrier().send(recipient="wang@example.com", text=MAIL)
    assert not failed.value.permanent


@pytest.mark.parametrize("recipient", ["wang@example.com\nBcc: all@example.com", "wang\r\n@example.com"])
def test_an_address_that_is_none_ends_the_message_and_only_it(mail_server: MailServer, recipient: str) -> None:
    with pytest.raises(DeliveryFailed) as failed:
        SmtpCarrier().send(recipient=recipient, text=MAIL)
    assert failed.value.permanent
    assert not mail_server.mails


def test_an_sms_reaches_the_local_mailbox(mailbox: Mailbox) -> None:
    assert (
        OutboxSmsCarrier().send(recipient="13800006021", text=Text("", "【鲜禾生活】退款¥12.00已退回微信零钱"))
        == "accepted"
    )
    (message,) = mailbox.messages(kind="sms")
    assert (message["to"], message["text"]) == (["13800006021"], "【鲜禾生活】退款¥12.00已退回微信零钱")


def test_a_mail_reaches_the_local_mailbox(mailbox: Mailbox) -> None:
    SmtpCarrier().send(recipient="wang@example.com", text=MAIL)
    (message,) = mailbox.messages(to="wang@example.com")
    assert (message["subject"], "已退回微信零钱" in message["text"]) == (MAIL.subject, True)


@pytest.fixture
def provider(settings: Settings) -> Iterator[type[_Provider]]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.SMS_OUTBOX_URL = f"http://127.0.0.1:{server.server_port}"
    yield _Provider
    server.shutdown()
    server.server_close()


class _Provider(http.server.BaseHTTPRequestHandler):
    """An SMS provider with one answer for everything."""

    answer = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (400, True),
        (422, True),
        (413, True),
        (401, False),
        (403, False),
        (408, False),
        (429, False),
        (500, False),
        (503, False),
    ],
)
def test_a_provider_ends_a_message_only_for_the_message_itself(
    provider: type[_Provider], status: int, permanent: bool
) -> None:
    provider.answer = status
    with pytest.raises(DeliveryFailed) as failed:
        OutboxSmsCarrier().send(recipient="13800006021", text=Text("", "x"))
    assert failed.value.permanent is permanent
    assert "13800006021" not in str(failed.value)


def test_a_provider_that_does_not_answer_is_tried_again(settings: Settings) -> None:
    settings.SMS_OUTBOX_URL = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(DeliveryFailed) as failed:
        OutboxSmsCarrier().send(recipient="13800006021", text=Text("", "x"))
    assert not failed.value.permanent
