"""What the hourly run of the invariants takes of a drain, on the database as it is: drains alone and beside it, in turns."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from benchmarks.load import post_refunds
from benchmarks.records import merchant_with_key, paid_sales
from benchmarks.rig import running
from core.audit import chain
from invariants import inspection
from refunds.payouts import loop

_PAYOUTS = 2_000
_LATENCY_MS = 100
_RUN = [sys.executable, "-m", "django", "check_invariants", "--recent", "--background"]


@dataclass(frozen=True)
class Seen:
    """``run_s``: the hourly run by itself, start of its process included. ``ratio``: a drain beside it by one alone."""

    run_s: float
    ratio: float
    alone_s: float
    beside_s: float


def measure(*, rounds: int) -> Seen:
    """The whole trail is verified before, as the night does: the hourly run begins where that ended."""
    chain.seal_events()
    if found := inspection.check(whole=True, remember=True):
        raise AssertionError(f"invariants are broken: {found[:5]}")
    runs = [_run_s() for _ in range(rounds)]
    alone: list[float] = []
    beside: list[float] = []
    with running(worker=False) as rig:
        merchant, key = merchant_with_key(rig.wechat)
        rig.wechat.control("POST", "/faults", {"operation": "notice", "fault": "lost", "times": 1_000_000})
        for number in range(2 * rounds + 1):
            rig.wechat.control("POST", "/latency", {"fixed_ms": 0})
            post_refunds(port=rig.port, key=key, sales=paid_sales(merchant, _PAYOUTS, channel=rig.wechat), clients=16)
            rig.wechat.control("POST", "/latency", {"fixed_ms": _LATENCY_MS})
            # The first warms connections and keys.
            kept = beside if number % 2 else alone
            child = _started() if number % 2 else None
            try:
                seconds = _drain_s()
            finally:
                if child is not None:
                    child.kill()
                    child.wait()
            if number:
                kept.append(seconds)
    middle = statistics.median(alone), statistics.median(beside)
    return Seen(statistics.median(runs), middle[1] / middle[0], *middle)


def _run_s() -> float:
    started = time.perf_counter()
    subprocess.run(_RUN, check=True, cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _started() -> subprocess.Popen[bytes]:
    """The run, at work on its first query."""
    child = subprocess.Popen(_RUN, cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL)
    while child.poll() is None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%AS breach LIMIT%' AND pid <> pg_backend_pid())"
            )
            if cursor.fetchone()[0]:
                break
        time.sleep(0.05)
    return child


def _drain_s() -> float:
    started = time.perf_counter()
    done = loop.drain()
    seconds = time.perf_counter() - started
    if done.settled < _PAYOUTS:
        raise AssertionError(f"{done} of {_PAYOUTS}")
    return seconds
