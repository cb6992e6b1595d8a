"""One's own files: how far they are, and where they are taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext

from core.codes import CODES, words
from desk.access import Scope
from desk.templatetags.desk_format import seconds
from refunds.models import ListExport
from refunds.models.export import ExportState
from refunds.review import exporting

_SHOWN = 30
_MOVING = (ExportState.WAITING, ExportState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRow:
    """``percent`` and ``left`` while it is being made; ``why`` it failed."""

    export: ListExport
    list_label: str
    state_label: Promise | str
    moving: bool
    ready: bool
    percent: int
    left: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportsPage:
    rows: Sequence[ExportRow]
    moving: bool
    days: int


def exports_page(*, scope: Scope, at: datetime) -> ExportsPage:
    rows = [_row(export, at) for export in exporting.of(scope.by)[:_SHOWN]]
    return ExportsPage(rows=rows, moving=any(row.moving for row in rows), days=exporting.KEPT.days)


def _row(export: ListExport, at: datetime) -> ExportRow:
    state = ExportState(export.state)
    left = ""
    if state is ExportState.RUNNING and export.began_at and export.done:
        pace = (at - export.began_at).total_seconds() / export.done
        left = gettext("about %(time)s left") % {"time": seconds(pace * (export.rows - export.done))}
    return ExportRow(
        export=export,
        list_label=labels()[export.page],
        state_label=state.label,
        moving=state in _MOVING,
        ready=state is ExportState.READY,
        percent=export.done * 100 // export.rows if export.rows else 0,
        left=left,
        why=words(export.code) if export.code in CODES else "",
    )


def labels() -> dict[str, str]:
    return {
        "refunds": gettext("All refunds"),
        "transactions": gettext("Transactions"),
        "notifications": gettext("Notifications"),
    }
