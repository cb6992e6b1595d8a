"""Webhooks as Standard Webhooks has them, by its own library: ``Webhook(secret).verify(body, headers)`` gives the event."""

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

__all__ = ["Webhook", "WebhookVerificationError"]
