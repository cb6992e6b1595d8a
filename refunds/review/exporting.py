"""Taking a whole list away as a file: by whom, how many rows, and that it was. Long ones are made by a worker, piece by piece: it
may be killed at any moment, and another one begins that file again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Count, Model, Q, QuerySet
from django.utils import timezone

from core import doorbell
from core.audit.record import record
from core.errors import Invalid, NotFound, existing
from merchants.principals import Principal
from merchants.rights import Act, check_may
from refunds.models import ListExport
from refunds.models.export import ExportState

Row = TypeVar("Row", bound=Model)

TASK = "desk.exports"
#: The most rows of one file. More is refused: a file that was cut off looks complete.
MOST_ROWS = 100_000
KEPT = timedelta(days=7)
#: A worker that was not heard of for so long is gone.
_SILENT = timedelta(seconds=60)
_MOST_AT_ONCE = 3
_OPEN = (ExportState.WAITING, ExportState.RUNNING)
_OBJECTS = {"refunds": "refund", "transactions": "transaction", "notifications": "notification"}


def checked(
    rows: QuerySet[Row], *, by: Principal, filters: Mapping[str, str], at: datetime, page: str = "refunds"
) -> QuerySet[Row]:
    """The rows that this person may take away of these; the audit log knows of it before the first one leaves.

    ``filters`` are what narrowed the list, as they stand in the address. Raises ``Forbidden``, and ``Invalid`` when they are
    too many.
    """
    check_may(Act.EXPORT, by=by)
    rows = rows.filter(merchant_id=by.acting_for)
    rows = by.in_stores(rows, field="request__store_id" if page == "notifications" else "store_id")
    count = counted(rows)
    record(
        merchant_id=by.acting_for,
        by=by.actor,
        action=f"{_OBJECTS[page]}.export",
        object_type=f"{_OBJECTS[page]}_list",
        object_id=by.staff_id,
        at=at,
        data={"filters": {name: filters[name][:200] for name in sorted(filters) if filters[name]}, "rows": count},
    )
    return rows


def counted(rows: QuerySet[Any]) -> int:
    """How many rows. Raises ``Invalid`` when they are too many for a file."""
    count = rows.order_by().values("pk")[: MOST_ROWS + 1].count()
    if count > MOST_ROWS:
        raise Invalid(f"at most {MOST_ROWS} rows are exported at once", code="too_many_rows")
    return count


@transaction.atomic
def ask(*, page: str, query: str, form: str, language: str, by: Principal, at: datetime) -> ListExport:
    """Have a list made into a file. Raises ``Forbidden`` or ``Invalid``."""
    check_may(Act.EXPORT, by=by)
    if page not in _OBJECTS or form not in ("csv", "xlsx") or len(query) > 2_000:
        raise Invalid("no such list or form of file", code="form_incomplete")
    if ListExport.objects.filter(staff_id=by.acting_staff, state__in=_OPEN).count() >= _MOST_AT_ONCE:
        raise Invalid("several files are being made already", code="exports_running")
    made = ListExport.objects.create(
        merchant_id=by.acting_for,
        staff_id=by.acting_staff,
        page=page,
        query=query,
        form=form,
        language=language,
        asked_at=at,
    )
    transaction.on_commit(lambda: doorbell.ring([TASK]))
    return made


def of(by: Principal) -> QuerySet[ListExport]:
    """One's own, the newest first, without what they hold."""
    return ListExport.objects.filter(staff_id=by.acting_staff).defer("content").order_by("-pk")


@dataclass(frozen=True, slots=True)
class Ready:
    """How many of one's own files are ready and were not taken yet, and whether any is being made."""

    ready: int
    moving: bool


def ready(by: Principal) -> Ready:
    """How many of one's own exports can be taken and how many are being made."""
    own = ListExport.objects.filter(staff_id=by.acting_staff).order_by()
    counted = own.aggregate(
        ready=Count("pk", filter=Q(state=ExportState.READY, taken_at=None)),
        moving=Count("pk", filter=Q(state__in=_OPEN)),
    )
    return Ready(counted["ready"], bool(counted["moving"]))


def take(*, export_id: int, by: Principal, at: datetime) -> ListExport:
    """A file that is ready, of stores that are still this person's. Raises ``Forbidden`` or ``NotFound``."""
    check_may(Act.EXPORT, by=by)
    theirs = ListExport.objects.filter(staff_id=by.acting_staff, pk=export_id, state=ExportState.READY)
    if by.stores is not None:
        theirs = theirs.filter(store_ids__contained_by=sorted(by.stores))
    found = existing(theirs.first(), "file")
    if found.taken_at is None:
        ListExport.objects.filter(pk=export_id).update(taken_at=at)
    return found


def cancel(*, export_id: int, by: Principal, at: datetime) -> None:
    """Make no more of it. Raises ``NotFound``; one that has ended stays as it is."""
    found = ListExport.objects.filter(staff_id=by.acting_staff, pk=export_id)
    if not found.exists():
        raise NotFound("there is no such file")
    found.filter(state__in=_OPEN).update(state=ExportState.CANCELLED, ended_at=at)


# --- for the worker ---------------------------------------------------------------------------------------------------


@transaction.atomic
def claim(*, at: datetime) -> ListExport | None:
    """The next file to be made, now this worker's; none. What is older than ``KEPT`` is forgotten."""
    ListExport.objects.filter(asked_at__lt=at - KEPT).delete()
    due = ListExport.objects.filter(Q(state="waiting") | Q(state="running", alive_at__lt=at - _SILENT)).order_by("pk")
    found = due.select_for_update(skip_locked=True, of=("self",)).first()
    if found is not None:
        found.state, found.began_at, found.alive_at, found.done = ExportState.RUNNING, at, at, 0
        found.save(update_fields=["state", "began_at", "alive_at", "done"])
    return found


def is_wanted(export: ListExport, *, rows: int, done: int) -> bool:
    """Note how far it is; False: it was cancelled, or another worker has it."""
    own = ListExport.objects.filter(pk=export.pk, state=ExportState.RUNNING, began_at=export.began_at)
    return bool(own.update(rows=rows, done=done, alive_at=timezone.now()))


def finish(export: ListExport, *, content: bytes = b"", stores: Collection[int] | None = None, code: str = "") -> None:
    """It is ready, of these stores (None: all), or failed for this reason."""
    own = ListExport.objects.filter(pk=export.pk, state=ExportState.RUNNING, began_at=export.began_at)
    if code:
        own.update(state=ExportState.FAILED, code=code, ended_at=timezone.now())
    else:
        store_ids = None if stores is None else sorted(stores)
        own.update(state=ExportState.READY, content=content, store_ids=store_ids, ended_at=timezone.now())
