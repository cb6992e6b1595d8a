"""Messages as they are kept and shown."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from simulators.kit.clock import rfc3339
from simulators.kit.store import Store

KEEP = 500
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS messages (
        number INTEGER PRIMARY KEY, kind TEXT NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL,
        subject TEXT NOT NULL, text TEXT NOT NULL, html TEXT NOT NULL, received_at REAL NOT NULL)""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A mail (``kind`` email) or a short message (``kind`` sms)."""

    kind: str
    sender: str
    to: list[str]
    subject: str = ""
    text: str = ""
    html: str = ""
    number: int = 0
    received_at: str = ""


class Mailbox:
    """The last 500 messages, kept across restarts."""

    def __init__(self, directory: Path) -> None:
        self.store = Store(path=directory / "mailbox.sqlite", schema=_SCHEMA)

    async def keep(self, message: Message, *, received_at: float) -> None:
        """Keep a message, drop the oldest ones beyond 500."""
        self.store.write(
            """INSERT INTO messages (kind, sender, recipients, subject, text, html, received_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)""",
            (
                message.kind,
                message.sender,
                json.dumps(message.to, ensure_ascii=False),
                message.subject,
                message.text,
                message.html,
                received_at,
            ),
        )
        self.store.write("DELETE FROM messages WHERE number <= (SELECT max(number) FROM messages) - ?", (KEEP,))
        await self.store.durable()

    def newest(self, *, to: str = "", kind: str = "", limit: int = KEEP) -> list[Message]:
        """Newest first; ``to`` matches a part of a recipient."""
        found = self.store.rows("SELECT * FROM messages ORDER BY number DESC")
        messages = [
            message
            for message in map(_message, found)
            if (not to or any(to.lower() in recipient.lower() for recipient in message.to))
            and (not kind or message.kind == kind)
        ]
        return messages[:limit]

    async def clear(self) -> None:
        """Throw everything away."""
        self.store.write("DELETE FROM messages")
        await self.store.durable()


def read_mail(content: bytes, *, sender: str, recipients: list[str]) -> Message:
    """A mail as it came over SMTP; recipients are the envelope's."""
    parsed = BytesParser(policy=policy.default).parsebytes(content)
    return Message(
        kind="email",
        sender=str(parsed.get("From") or sender),
        to=recipients,
        subject=str(parsed.get("Subject") or "").strip(),
        text=_part(parsed, "plain"),
        html=_part(parsed, "html"),
    )


def _part(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content()).replace("\r\n", "\n")
    except (LookupError, ValueError):  # an unknown charset or broken encoding is shown as it came
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else str(payload)


def _message(row: sqlite3.Row) -> Message:
    return Message(
        number=row["number"],
        kind=row["kind"],
        sender=row["sender"],
        to=json.loads(row["recipients"]),
        subject=row["subject"],
        text=row["text"],
        html=row["html"],
        received_at=rfc3339(row["received_at"]),
    )
