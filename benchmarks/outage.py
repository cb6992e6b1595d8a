"""One channel is dark for a while under a steady load: are the other two slower meanwhile, and does it drain by itself?

Ten minutes unless ``OUTAGE_S`` says otherwise: for the first half the channel takes connections and never says a word (its
process is stopped), for the second it answers HTTP 500. Latency is from submission to the stored outcome.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from django.db.models import F

from benchmarks.load import next_phone
from benchmarks.records import add_account, merchant_with_key, paid_sales
from benchmarks.rig import Rig, StandIn, running
from integrations.stand_ins import accounts_in
from invariants import against_channels, inspection
from merchants.models import ChannelAccount, Merchant
from refunds.models import Execution
from refunds.states import EXECUTION_ENDED, ExecutionState

DARK = "wechat"
#: Submissions a second to each channel: what a busy chain of shops makes, far below what the machine can do.
RATE_PER_S = 4.0
WARM_UP_S = 8.0
#: How long the dark channel's refunds may take afterwards (trust.md: unknown resolved within five minutes).
DRAIN_WITHIN_S = 300.0


@dataclass(frozen=True, slots=True)
class Outage:
    """What was measured. Latencies of the two healthy channels in seconds; counts of the dark one's refunds."""

    before: Sequence[float]
    during: Sequence[float]
    waiting: int
    drain_s: float
    breaches: list[str]

    def ratio(self, share: float) -> float:
        """How much longer that share of the refunds took during the outage."""
        return quantile(self.during, share) / quantile(self.before, share)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure() -> Outage:
    """Run it. Raises ``AssertionError`` where a submission is refused, or the channel has not drained in time."""
    outage_s = float(os.environ.get("OUTAGE_S", "600"))
    before_s = min(120.0, max(20.0, outage_s / 5))
    with running(worker=True) as rig, ExitStack() as stack:
        channels = {"wechat": rig.wechat}
        for name in ("alipay", "unionpay"):
            channels[name] = StandIn(dict(os.environ), name)
            stack.callback(channels[name].process.stop)
        merchant, key = _merchant(rig)
        count = int((WARM_UP_S + before_s + outage_s) * RATE_PER_S) + 1
        load = _Load(rig.port, key)
        for stand_in in channels.values():
            load.start(paid_sales(merchant, count, channel=stand_in))
        stack.callback(load.stop)
        time.sleep(WARM_UP_S)
        began = datetime.now(UTC)
        time.sleep(before_s)
        dark = datetime.now(UTC)
        stack.callback(_freeze(channels[DARK]))
        time.sleep(outage_s / 2)
        _thaw(channels[DARK])
        _answer_500(channels[DARK])
        time.sleep(outage_s / 2)
        healed = datetime.now(UTC)
        load.stop()
        waiting = _open(DARK)
        channels[DARK].control("DELETE", "/faults")
        drain_s = _drained(DARK)
        _drained(*channels)
        ledger = [row for stand_in in channels.values() for row in stand_in.ledger()]
        breaches = [str(breach) for breach in inspection.check(also=[lambda: against_channels.paid_per_ledger(ledger)])]
        return Outage(_latencies(began, dark), _latencies(dark, healed), waiting, drain_s, breaches)


def _merchant(rig: Rig) -> tuple[Merchant, str]:
    merchant, key = merchant_with_key(rig.wechat)
    for account in accounts_in(Path(os.environ["VAR_DIR"])).values():
        if account.channel != rig.wechat.name:
            add_account(merchant, account)
    for row in ChannelAccount.objects.filter(merchant=merchant):
        row.profile_overrides = {**row.profile_overrides, "first_query_s": 10, "timeout_s": 8}
        row.save()
    return merchant, key


@dataclass
class _Load:
    """A steady stream of submissions for each channel, whatever the answers take."""

    port: int
    key: str
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _refused: list[str] = field(default_factory=list)

    def start(self, sales: Sequence[str]) -> None:
        thread = threading.Thread(target=self._post, args=(sales,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """End all streams. Raises ``AssertionError`` if one of their submissions was refused."""
        self._ended.set()
        for thread in self._threads:
            thread.join(60)
        if self._refused:
            raise AssertionError(f"{len(self._refused)} submissions were refused, the first with {self._refused[0]}")

    def _post(self, sales: Sequence[str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        due = time.monotonic()
        for sale in sales:
            if self._ended.wait(max(0.0, due - time.monotonic())):
                break
            due += 1 / RATE_PER_S
            connection.request("POST", "/api/v1/refund-requests", _body(sale), self._headers())
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 201:
                self._refused.append(f"{answer.status} {said[:200]!r}")
        connection.close()

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": uuid4().hex,
        }


def _body(sale: str) -> str:
    return json.dumps(
        {
            "transaction": sale,
            "amount_fen": 1_200,
            "reason": "quality",
            "description": "面板开裂",
            "customer": {"name": "王敏", "phone": next_phone(), "locale": "zh-Hans"},
            "customer_consent": True,
        }
    )


def _freeze(stand_in: StandIn) -> Callable[[], None]:
    """Stop the process: the kernel still takes connections, nobody answers. Returns what wakes it, for the way out."""
    os.kill(stand_in.process.popen.pid, signal.SIGSTOP)
    return lambda: _thaw(stand_in)


def _thaw(stand_in: StandIn) -> None:
    if stand_in.process.popen.poll() is None:
        os.kill(stand_in.process.popen.pid, signal.SIGCONT)


def _answer_500(stand_in: StandIn) -> None:
    for operation, fault in (("refund", "error_before_commit"), ("query", "error")):
        stand_in.control("POST", "/faults", {"operation": operation, "fault": fault, "times": -1})


def _open(*channels: str) -> int:
    payouts = Execution.objects.filter(channel_account__channel__in=channels)
    return payouts.exclude(state__in=EXECUTION_ENDED).count()


def _drained(*channels: str) -> float:
    """Seconds until nothing of these channels is open any more."""
    started = time.monotonic()
    while waiting := _open(*channels):
        if time.monotonic() - started > DRAIN_WITHIN_S + 60:
            raise AssertionError(f"{waiting} refunds of {', '.join(channels)} are still open")
        time.sleep(0.2)
    return time.monotonic() - started


def _latencies(since: datetime, until: datetime) -> list[float]:
    """Of the healthy channels' refunds that were submitted in this span. Raises ``AssertionError`` if one was not paid."""
    rows = Execution.objects.filter(request__created_at__gte=since, request__created_at__lt=until).exclude(
        channel_account__channel=DARK
    )
    if rows.exclude(state=ExecutionState.SUCCEEDED).exists():
        raise AssertionError("a refund of a healthy channel was not paid")
    waits = rows.annotate(waited=F("ended_at") - F("request__created_at")).values_list("waited", flat=True)
    return [waited.total_seconds() for waited in waits]


def describe(outage: Outage) -> str:
    """One line for the report."""
    return (
        f"median {statistics.median(outage.before):.2f} -> {statistics.median(outage.during):.2f} s, "
        f"p95 {quantile(outage.before, 0.95):.2f} -> {quantile(outage.during, 0.95):.2f} s, "
        f"n {len(outage.before)} and {len(outage.during)}"
    )
