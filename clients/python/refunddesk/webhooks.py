"""Webhooks as Standard Webhooks has them, signed and verified by its own library."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


class NotGenuine(Exception):
    """What came is not signed by any of the secrets, or was signed more than five minutes ago. Answer 400."""


def verified(body: bytes, headers: Mapping[str, str], *secrets: str) -> dict[str, Any]:
    """The event in a request that RefundDesk really sent. ``body`` is as it came, byte for byte; ``secrets`` are the one of the
    endpoint and, while it is being rotated, the one before. Raises ``NotGenuine``.

    Each event may come more than once: remember its ``id``.
    """
    for secret in secrets:
        try:
            event: dict[str, Any] = Webhook(secret).verify(body, dict(headers))
        except (WebhookVerificationError, ValueError):
            # The library lets a ValueError out for headers that are none, and for a body that is no text.
            continue
        return event
    raise NotGenuine("no signature of this body is right")


def signed_headers(body: bytes, *, event_id: str, secret: str, at: datetime) -> dict[str, str]:
    """The headers that ``verified`` asks for; ``at`` has an offset."""
    signature = Webhook(secret).sign(event_id, at.astimezone(UTC), body.decode())
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
        "content-type": "application/json",
    }
