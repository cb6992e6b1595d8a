"""Waking workers early. Nothing depends on it: what rests too long is found by the sweep.

A bell that was rung and not yet answered is not rung again: ``ring`` sets a mark in Redis, the worker takes it away before
it looks for work. A lost message therefore costs at most the mark's life, not a refund.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import redis
from celery import current_app
from kombu.exceptions import OperationalError

from refunds.broker import client

logger = logging.getLogger(__name__)

_MARK_TTL_MS = 2000


def ring(tasks: Sequence[str]) -> None:
    """Wake a worker for each of these tasks. A broker that does not answer is logged and left to the sweep."""
    try:
        with client().pipeline(transaction=False) as pipe:
            for task in tasks:
                pipe.set(f"bell:{task}", 1, nx=True, px=_MARK_TTL_MS)
            first = pipe.execute()
        for task, is_first in zip(tasks, first, strict=True):
            if is_first:
                current_app.send_task(task)
    except (redis.RedisError, OperationalError, OSError) as error:
        logger.warning("the bell for %s was not heard (%s); the sweep will find the work", ", ".join(tasks), error)


def answered(task: str) -> None:
    """The worker is looking now: the next ring counts again."""
    try:
        client().delete(f"bell:{task}")
    except (redis.RedisError, OSError) as error:
        logger.warning("the bell's mark for %s stays until it fades (%s)", task, error)
