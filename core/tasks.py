"""Scheduled work of the core."""

from core.audit import chain
from core.periodic import periodic


@periodic("core.seal_audit")
def seal_audit() -> None:
    chain.seal_events()
