"""What a web process has done before its first request."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings

_PROGRAM = """
import gc
import config.wsgi
from core.database import timeouts
print(timeouts._face, gc.get_freeze_count() > 0)
"""


def test_web_process_knows_its_limits_and_shares_what_it_has_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["web", "True"]
