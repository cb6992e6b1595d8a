"""Long work in a process of its own: its memory and its time are not the worker's."""

import logging
import os
import subprocess
import sys
import time

from django.conf import settings

from refunds.payouts import loop

logger = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5


def run(command: str, *arguments: str, within_s: float) -> int:
    """Run a command of ``manage.py`` in a child, and wait for it. Returns its exit status.

    It logs on our own stderr. It is ended when it takes too long, and when this worker is to end.
    """
    argv = [sys.executable, "-m", "django", command, *arguments]
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    until = time.monotonic() + within_s
    with subprocess.Popen(argv, env=env, cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL) as child:
        while child.poll() is None:
            if time.monotonic() > until:
                logger.error("%s: the run timed out after %s s and is killed", command, within_s)
                child.kill()
            elif loop.stopping.wait(_LOOK_EVERY_S):
                child.terminate()
                child.wait()
    return child.returncode
