"""Scheduled work of the core."""

from __future__ import annotations

from celery import shared_task

from core.audit import chain


@shared_task(name="core.seal_audit")
def seal_audit(**_: object) -> None:
    chain.seal_events()
