"""Work goes on when nobody calls for it.

Beat calls for a sweep every few seconds, through the broker. A worker whose consumer stalls after a broker's trouble is alive and
hears nothing, and a broker that is gone lets nobody be heard. What is due lies in the database all the same: a worker that has
not been called for a while looks by itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from django.db import close_old_connections

from refunds import drain

logger = logging.getLogger(__name__)

#: Sweeps are called for every 3 s. Longer than this without one, and something between beat and this worker is broken.
SILENT_S = 15.0
_LOOK_EVERY_S = 3.0

_called_at = time.monotonic()


def called() -> None:
    """A sweep was called for, as it should be."""
    global _called_at
    _called_at = time.monotonic()


def start(sweep: Callable[[], object]) -> None:
    """Watch from a thread of this process until it is asked to end."""
    called()
    threading.Thread(target=_watch, args=[sweep], name="watch", daemon=True).start()


def _watch(sweep: Callable[[], object]) -> None:
    while not drain.stopping.wait(_LOOK_EVERY_S):
        look(sweep)


def look(sweep: Callable[[], object]) -> None:
    """Sweep if nobody has called for it for too long."""
    silent_s = time.monotonic() - _called_at
    if silent_s < SILENT_S:
        return
    logger.warning("nobody has called for a sweep for %.0f s; looking without being called", silent_s)
    close_old_connections()
    try:
        sweep()
    except Exception:  # the database may be what is gone: the next look tries again
        logger.exception("looking without being called failed")
    finally:
        close_old_connections()
