"""The connection wrapper that Django loads by this module's name."""

import time
from typing import Any

from django.db.backends.postgresql import base

from core.database import timeouts

_FRESH_S = 1.0


class DatabaseWrapper(base.DatabaseWrapper):
    """Asks a kept connection whether it still lives only after it has rested.

    ``CONN_HEALTH_CHECKS`` alone sends ``SELECT 1`` in every request. A connection that answered within the last second is
    taken as alive: should the server have gone meanwhile, that request fails as it would a moment later, and an error by
    itself makes Django ask at the next.
    """

    _used_at = 0.0

    def get_connection_params(self) -> Any:
        """With the limits of this process, over what the settings say for all."""
        parameters = super().get_connection_params()
        parameters["options"] = f"{parameters.get('options', '')} {timeouts.options()}".strip()
        return parameters

    def close_if_unusable_or_obsolete(self) -> None:
        """Called at the start and the end of every request."""
        super().close_if_unusable_or_obsolete()
        now = time.monotonic()
        if now - self._used_at < _FRESH_S:
            self.health_check_done = True
        self._used_at = now
