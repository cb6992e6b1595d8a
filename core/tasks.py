"""Scheduled work of the core."""

from django.utils import timezone

from core.audit import chain, checkpoints
from core.periodic import periodic


@periodic("core.seal_audit")
def seal_audit() -> None:
    chain.seal_events()


@periodic("core.audit_checkpoints")
def audit_checkpoints() -> None:
    checkpoints.make(at=timezone.now())
