"""A code of reconciliation in the reader's words."""

from __future__ import annotations

from core import codes


def text_of(code: str) -> str:
    """The sentence for a code of ours; none for a channel's own."""
    return codes.words(code) if code in codes.CODES else ""
