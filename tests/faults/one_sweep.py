"""``python -m tests.faults.one_sweep``: what waits is heard and sent once, as a worker does it; failpoints kill it on the way."""

from __future__ import annotations

import os

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.utils import timezone

    from refunds.payouts import loop, notices

    notices.apply_waiting(at=timezone.now())
    loop.drain()
