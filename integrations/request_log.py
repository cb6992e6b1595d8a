"""What programs called, for those who write them: 14 days of it, without anything personal or secret.

A call is put down in memory once it is answered, and written with others in lots by a thread of the web process: no call waits
for it, and no refund's commit has anything to do with it. What a process that is killed has not written is lost: a second of it.
"""

import atexit
import json
import logging
import re
import threading
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.db import Error, connection
from django.db.models import Q, QuerySet

from core.sql import insert_rows
from integrations.models import RequestLogEntry
from merchants.principals import Principal
from merchants.rights import Act, check_may

logger = logging.getLogger(__name__)

KEPT = timedelta(days=14)
#: What a process keeps that the database does not take just now; what is more is forgotten, the oldest first.
_MOST_WAITING = 10_000
_AT_ONCE = 500
_BODY_CHARACTERS = 2_000
_DEPTH = 4
_ENTRIES = 40


class Call(NamedTuple):
    """An answered call. ``sent`` is its body or query as it was read, None where it was not."""

    merchant_id: int
    key_id: int
    stores: frozenset[int] | None
    at: datetime
    method: str
    route: str
    about: str
    status: int
    ms: int
    repeat: str
    code: str
    fields: str
    request_id: str
    sent: Any


_waiting: deque[Call] = deque(maxlen=_MOST_WAITING)
_writer_lock = threading.Lock()
_writer: threading.Thread | None = None
_wanted = threading.Event()


def note(call: Call) -> None:
    """Put a call down; costs an append. It is in the database a moment later."""
    _waiting.append(call)
    if settings.REQUEST_LOG_EVERY_S:
        _wanted.set()
        if _writer is None:
            _start()


def _start() -> None:
    global _writer
    with _writer_lock:
        if _writer is None:
            _writer = threading.Thread(target=_write_for_ever, name="request-log", daemon=True)
            _writer.start()
            atexit.register(flush)


def _write_for_ever() -> None:
    pause = threading.Event()
    while True:
        _wanted.wait()
        # So that calls come in lots.
        pause.wait(settings.REQUEST_LOG_EVERY_S)
        _wanted.clear()
        flush()


def flush() -> int:
    """Write what waits. Returns how many; a database that does not take a lot loses it, and that is logged."""
    written = 0
    while lot := [_waiting.popleft() for _ in range(min(len(_waiting), _AT_ONCE))]:
        try:
            written += insert_rows(RequestLogEntry, _COLUMNS, [_row(call) for call in lot])
        except Error as error:
            connection.close()
            logger.warning("%s calls are not in the request log: %s", len(lot), error)
            return written
    return written


_COLUMNS = (
    *("merchant_id", "key_id", "store_id", "at", "method", "path", "object_id", "status", "ms", "repeat", "code"),
    *("fields", "request_id", "body"),
)


def _row(call: Call) -> tuple[object, ...]:
    stores = call.stores
    return (
        call.merchant_id,
        call.key_id,
        next(iter(stores)) if stores is not None and len(stores) == 1 else None,
        call.at,
        call.method[:8],
        _template(call.route),
        call.about[:40],
        call.status,
        call.ms,
        call.repeat,
        call.code[:60],
        call.fields[:200],
        call.request_id[:100],
        masked(call.sent),
    )


@lru_cache(maxsize=512)
def _template(route: str) -> str:
    """``refund-requests/{request_id}``."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.removeprefix("api/v1/"))[:120]


#: What is shown of a body: codes, numbers and switches, by the names of their fields. Nothing else is, whatever it is.
# fmt: off
_SHOWN = frozenset((
    "advance", "all", "always_review", "channel", "channel_transaction_no", "code", "currency", "cursor",
    "customer_consent", "decision", "direction", "enabled", "evidence", "extent", "funding", "id", "is_another", "kind",
    "language", "leg", "limit", "lines", "locale", "method", "number", "on_behalf_of_required", "order_no", "outcome",
    "overlap", "plan_hash", "quantity", "reason", "reason_code", "remote", "route", "routes", "scopes", "sequence",
    "skip_bad", "sku", "state", "status", "stopped", "store", "stores", "style", "terminal", "transaction", "type",
    "types", "verdict", "version", "wait", "window_days",
))
# fmt: on
_CODE = re.compile(r"[A-Za-z0-9_.:+/\[\]-]{1,64}")
#: What may be a phone, a card or a person's number, wherever it stands.
_A_PERSONS = re.compile(r"(?<!\d)(1[3-9]\d{9}|\d{15,19}|\d{17}[Xx])(?!\d)")


#: Made once: ``json.dumps`` makes an encoder for every call that asks for another form than its own.
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def masked(sent: Any) -> str:
    """A body as JSON in which only codes and amounts can be read; of everything else how long it was. "" for none."""
    if not sent:
        return ""
    text = _compact(_masked("", sent, _DEPTH))
    return text if len(text) <= _BODY_CHARACTERS else f"{text[: _BODY_CHARACTERS - 1]}…"


def _masked(name: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if depth and isinstance(value, Mapping):
        items = list(value.items())[:_ENTRIES]
        return {_field(key): _masked(str(key), one, depth - 1) for key, one in items}
    if depth and isinstance(value, list | tuple):
        return [_masked(name, one, depth - 1) for one in value[:_ENTRIES]]
    shown = name in _SHOWN or name.endswith(("_fen", "_at", "[]", "_before", "_after"))
    return value if shown and isinstance(value, int | float | str) and _is_code(value) else f"‹{len(str(value))}›"


@lru_cache(maxsize=1024)
def _field(key: Any) -> str:
    return str(key) if _is_code(key) else f"‹{len(str(key))}›"


def _is_code(value: Any) -> bool:
    return bool(_CODE.fullmatch(str(value))) and not _A_PERSONS.search(str(value))


# --- read and forgotten -------------------------------------------------------------------------------------------------


def entries(*, by: Principal, merchant_id: int) -> QuerySet[RequestLogEntry]:
    """The calls by keys that this person sees to, of their merchant or its sandbox. Raises ``Forbidden``."""
    check_may(Act.MANAGE_KEYS, by=by)
    rows = RequestLogEntry.objects.filter(
        Q(merchant_id=by.acting_for) | Q(merchant__sandbox_of_id=by.acting_for), merchant_id=merchant_id
    )
    return by.in_stores(rows)


def forget_old(*, at: datetime) -> int:
    """Calls of more than ``KEPT`` ago are gone, a lot at a time. Returns how many."""
    old = RequestLogEntry.objects.filter(at__lt=at - KEPT).order_by("at").values("pk")[:_MOST_WAITING]
    count = 0
    while gone := RequestLogEntry.objects.filter(pk__in=old).delete()[0]:
        count += gone
    return count
