"""What the dry run of a bulk action shows, as a dialog. Amounts in fen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from desk.forms import RejectReasonChoice


@dataclass(frozen=True, slots=True)
class Allowed:
    """``key`` is ``<number>@<version>``: the version that was looked at."""

    number: str
    amount_fen: int
    key: str


@dataclass(frozen=True, slots=True)
class Refused:
    number: str
    amount_fen: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPage:
    action: str
    action_label: str
    total_fen: int
    allowed: Sequence[Allowed]
    refused: Sequence[Refused]
    return_to: str
    reject_reasons: Sequence[RejectReasonChoice]
