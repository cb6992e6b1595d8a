"""The connection wrapper that Django loads by this module's name: it asks less, and keeps to the wall of a merchant."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db.backends.postgresql import base

from core.database import timeouts

_FRESH_S = 1.0


class Wall(NamedTuple):
    """The role that statements run under, and the merchant whose rows it sees (``core.tenant_wall``)."""

    role: str
    merchant_id: str


OUTSIDE = Wall("none", "")


class DatabaseWrapper(base.DatabaseWrapper):
    """Asks a kept connection whether it still lives only after it has rested.

    ``CONN_HEALTH_CHECKS`` alone sends ``SELECT 1`` in every request. A connection that answered within the last second is
    taken as alive: should the server have gone meanwhile, that request fails as it would a moment later, and an error by
    itself makes Django ask at the next.

    The server is told of another wall before the first statement that needs it and not before: a connection that serves one
    merchant's calls all day is told once. No cursor is made behind, or outside of, a wall that is not the wanted one.
    """

    _used_at = 0.0
    #: What was asked for, and what the server was told last; None: what a rollback has left of it is not known.
    wall = OUTSIDE
    _told: Wall | None = OUTSIDE

    @contextmanager
    def behind(self, wall: Wall) -> Iterator[None]:
        """Work behind this wall from here on, also with cursors made before; then behind the one before."""
        before, self.wall = self.wall, wall
        try:
            if self._told != wall:
                self.cursor().close()
            yield
        finally:
            # Lines of an answer that nobody read may end when another call has begun.
            if self.wall is wall:
                self.wall = before

    def create_cursor(self, name: Any = None) -> Any:
        if self._told != self.wall:
            with self.connection.cursor() as cursor:
                cursor.execute(_TELL, self.wall)
            self._told = self.wall
        return super().create_cursor(name)

    def init_connection_state(self) -> None:
        """A new connection is outside."""
        self._told = OUTSIDE
        super().init_connection_state()

    def _rollback(self) -> None:
        super()._rollback()  # type: ignore[misc]  # the stubs leave it out
        self._told = None

    def _savepoint_rollback(self, sid: str) -> None:
        # Before it nothing can be said in a transaction that failed.
        self._told = self.wall
        try:
            super()._savepoint_rollback(sid)  # type: ignore[misc]  # as above
        finally:
            self._told = None

    def get_connection_params(self) -> Any:
        """With the limits of this process, over what the settings say for all."""
        parameters = super().get_connection_params()
        parameters["options"] = f"{parameters.get('options', '')} {timeouts.options()}".strip()
        return parameters

    def close_if_unusable_or_obsolete(self) -> None:
        """Called at the start and the end of every request."""
        # Whoever comes next is nobody's yet, also where lines of an answer were never read to their end.
        self.wall = OUTSIDE
        super().close_if_unusable_or_obsolete()
        now = time.monotonic()
        if now - self._used_at < _FRESH_S:
            self.health_check_done = True
        self._used_at = now


_TELL = "SELECT set_config('role', %s, false), set_config('app.merchant_id', %s, false)"
