"""Whether this process's clock is the database's.

Leases, deadlines and the seconds for which a decision can be taken back are instants that all processes of a database share.
One whose clock is minutes ahead takes what another has in hand for forgotten, and what was just decided for done.
"""

import time

from django.db import connection

#: Clocks that are set by a time server differ by milliseconds. The shortest thing that is waited for is ten seconds.
MOST_OFF_S = 5.0


def off_s() -> float:
    """Seconds by which our clock is ahead of the database's for certain, below zero where it is behind; however long the database
    takes to answer, that is no difference. Raises ``django.db.Error``.
    """
    before = time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        theirs: float = cursor.fetchone()[0]
    after = time.time()
    return max(0.0, before - theirs) + min(0.0, after - theirs)


def is_off() -> bool:
    """Whether they differ by so much that neither may go on by its own. Raises ``django.db.Error``."""
    return abs(off_s()) > MOST_OFF_S
