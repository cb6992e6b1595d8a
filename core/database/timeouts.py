"""How long a statement may run and how long it may wait for a lock, by who asks (``settings.DB_TIMEOUTS_MS``).

A process says once what it is, before it opens its first connection: ``use("web")``. Inside of one, what may take longer by its
nature, a report or an export, says so for as long as it lasts: ``within("reports")``. What nobody named is a person at the
command line, who may wait as long as they like.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import connection
from django.db.utils import OperationalError
from django.http import StreamingHttpResponse
from psycopg2.errors import LockNotAvailable, QueryCanceled

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_face = "commands"
#: For whoever waits for a page, planning is limited too. The refund's is of eleven tables behind the wall: all orders of eight
#: joins take 21 ms to weigh, those of four 1.6 ms, and the plan is the same. The library writes first what is filtered.
_JOINS_REORDERED = 4


def use(face: str) -> None:
    """What this process is. Counts for connections opened from now on. Raises ``KeyError`` for another name."""
    global _face
    _ = settings.DB_TIMEOUTS_MS[face]
    _face = face


def options() -> str:
    """The limits of this process as options of a new connection."""
    statement_ms, lock_ms = settings.DB_TIMEOUTS_MS[_face]
    planning = f" -c join_collapse_limit={_JOINS_REORDERED}" if _face == "web" else ""
    return f"-c statement_timeout={statement_ms} -c lock_timeout={lock_ms}{planning}"


@contextmanager
def within(face: str) -> Iterator[None]:
    """Other limits for what is done inside. Not to be nested. A connection that cannot be given its own back is closed."""
    _set(face)
    try:
        yield
    finally:
        try:
            _set(_face)
        except BaseException:
            connection.close()
            raise


def _set(face: str) -> None:
    statement_ms, lock_ms = settings.DB_TIMEOUTS_MS[face]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false)",
            [str(statement_ms), str(lock_ms)],
        )


def reports(view: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """A view that adds up or takes away more than a page: it, and the lines that it streams, have the reports' limits."""

    @wraps(view)
    def longer(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        with within("reports"):
            response = view(*args, **kwargs)
        if isinstance(response, StreamingHttpResponse):
            lines: Any = response.streaming_content
            response.streaming_content = _longer(lines)
        return response

    return longer


def _longer(content: Iterable[bytes]) -> Iterator[bytes]:
    with within("reports"):
        yield from content


def ran_out(error: BaseException) -> bool:
    """Whether the database stopped a statement because it took, or waited, too long."""
    return isinstance(error, OperationalError) and isinstance(error.__cause__, QueryCanceled | LockNotAvailable)
