"""A worker whose clock is not the database's does no work: it would take over what others have in hand, and put off for minutes
what is due now.

It waits for its clock before it begins. Where the clock is set wrong meanwhile it ends itself as a deaf one does, and the one
that its supervisor starts waits.
"""

import logging
import time

from django.db import Error, connection

from core.database import clocks
from refunds.worker import hearing
from refunds.worker.hearing import Hearing

logger = logging.getLogger(__name__)

_LOOK_EVERY_S = 5.0


def wait_until_right() -> None:
    """Return once the clock is right, or the database does not say."""
    while off_s := _off_s():
        logger.critical("clock: ours is %+.0f s off the database's; this worker waits until it is set", off_s)
        time.sleep(_LOOK_EVERY_S)
    # What a worker's connections are limited to is not said yet.
    connection.close()


def end_if_off(own: Hearing) -> None:
    """End this process when its clock is wrong."""
    if off_s := _off_s():
        logger.critical("clock: ours is %+.0f s off the database's; exiting to be restarted", off_s)
        hearing.end(own)


def _off_s() -> float:
    """0 where the clock is right enough."""
    try:
        off_s = clocks.off_s()
    except Error:
        connection.close()
        return 0.0
    return off_s if abs(off_s) > clocks.MOST_OFF_S else 0.0
