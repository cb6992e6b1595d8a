"""Places where a test may kill the process. Off unless named in the setting ``FAILPOINTS``."""

import os
import signal

from django.conf import settings


def failpoint(name: str) -> None:
    """Die here, as a machine would, if the setting names this place."""
    if name in settings.FAILPOINTS:
        os.kill(os.getpid(), signal.SIGKILL)
