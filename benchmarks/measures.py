"""The measures. Each returns its figures; the runner compares them with their goals."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import close_old_connections, connections
from django.db.models import F, QuerySet
from django.utils import timezone

from analytics.trials.tally import MODES
from benchmarks import beside, keys, outage, pages, raw, reconciliation, trials
from benchmarks.load import post_refunds
from benchmarks.records import add_account, empty, merchant_with_key, paid_sales
from benchmarks.rig import Rig, StandIn, black_hole, cpu_s, rss_mb, running, start_worker
from integrations.stand_ins import accounts_in
from invariants import against_channels, inspection
from merchants.models import ChannelAccount
from refunds.models import Execution, Notification, RefundRequest
from refunds.payouts import loop
from samples.demo import scale

ROUNDS = 3


@dataclass(frozen=True)
class Figure:
    """One line of the report. ``goal`` is a least value, or a largest where ``at_most``."""

    name: str
    value: float
    goal: float
    detail: str
    at_most: bool = False

    @property
    def reached(self) -> bool:
        return self.value <= self.goal if self.at_most else self.value >= self.goal


def _no_breach(ledger: list[dict[str, object]] | None = None) -> None:
    also = [lambda: against_channels.paid_per_ledger(ledger)] if ledger is not None else []
    found = inspection.check(also=also)
    if found:
        raise AssertionError(f"invariants are broken: {found[:5]}")


def intake() -> list[Figure]:
    """POST refund-requests with the whole policy, 16 clients, against raw commits by 8."""
    raw.prepare()
    ratios, rates, raws, cpu_ms = [], [], [], []
    with running(worker=False) as rig:
        merchant, key = merchant_with_key(rig.wechat)
        post_refunds(port=rig.port, key=key, sales=paid_sales(merchant, 300), clients=16)  # warm-up
        for _ in range(ROUNDS):
            sales = paid_sales(merchant, 2_000)
            baseline = raw.commits_per_s(seconds=4)
            before = _serving_cpu_s(rig)
            loaded = post_refunds(port=rig.port, key=key, sales=sales, clients=16)
            if set(loaded.statuses) != {201}:
                raise AssertionError(f"answers: {loaded.statuses}")
            after = _serving_cpu_s(rig)
            cpu_ms.append(sum(used - before.get(pid, 0) for pid, used in after.items()) / len(sales) * 1_000)
            ratios.append(loaded.rate / baseline)
            rates.append(loaded.rate)
            raws.append(baseline)
        _no_breach()
        detail = f"{statistics.median(rates):.0f}/s against {statistics.median(raws):.0f}/s raw"
        return [
            Figure("intake", statistics.median(ratios), 0.20, detail),
            Figure("intake_cpu_ms", statistics.median(cpu_ms), 3.0, "web and database, a submission", at_most=True),
        ]


def _serving_cpu_s(rig: Rig) -> dict[int, float]:
    """Processor time so far of the web's processes and of the database's sessions, which are on this machine."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        sessions = [pid for (pid,) in cursor.fetchall()]
    return {pid: cpu_s(pid) for pid in [*rig.web.pids(), *sessions]}


def execution() -> list[Figure]:
    """One drain loop, width 64, a channel of 100 ms, against the ideal 640 a second."""
    rates = []
    with running(worker=False) as rig:
        merchant, key = merchant_with_key(rig.wechat)
        rig.wechat.control("POST", "/faults", {"operation": "notice", "fault": "lost", "times": 1_000_000})
        for number in range(ROUNDS + 1):
            rig.wechat.control("POST", "/latency", {"fixed_ms": 0})
            count = 200 if number == 0 else 3_000
            sales = paid_sales(merchant, count, channel=rig.wechat)
            post_refunds(port=rig.port, key=key, sales=sales, clients=16)
            rig.wechat.control("POST", "/latency", {"fixed_ms": 100})
            started = time.perf_counter()
            done = loop.drain()
            seconds = time.perf_counter() - started
            if done.settled != count:
                raise AssertionError(f"{done} of {count}")
            if number:  # the first warms connections and keys
                rates.append(count / seconds)
        rig.wechat.control("POST", "/latency", {"fixed_ms": 0})
        return [Figure("execution", statistics.median(rates) / 640, 0.60, f"{statistics.median(rates):.0f}/s of 640/s")]


def e2e_10k() -> list[Figure]:
    """10,000 refunds through REST, policy, drain, notice and notification, with raw commits before and after."""
    raw.prepare()
    with running(worker=True) as rig:
        merchant, key = merchant_with_key(rig.wechat)
        post_refunds(port=rig.port, key=key, sales=paid_sales(merchant, 200, channel=rig.wechat), clients=16)
        sales = paid_sales(merchant, 10_000, channel=rig.wechat)
        before = raw.commits_per_s(seconds=4)
        started = time.perf_counter()
        loaded = post_refunds(port=rig.port, key=key, sales=sales, clients=16)
        wait_until(lambda: RefundRequest.objects.filter(state="refunded").count() == 10_200, seconds=240)
        paid_s = time.perf_counter() - started
        wait_until(lambda: Notification.objects.filter(event="refunded", state="sent").count() == 10_200, seconds=120)
        told_s = time.perf_counter() - started
        after = raw.commits_per_s(seconds=4)
        if set(loaded.statuses) != {201}:
            raise AssertionError(f"answers: {loaded.statuses}")
        _no_breach(rig.wechat.ledger())
        memory = _memory(rig.web.pids()[1:], rig.worker.pids() if rig.worker else [])
        rate = 10_000 / told_s
        detail = f"all paid after {paid_s:.0f} s, all told after {told_s:.0f} s; intake alone {loaded.rate:.0f}/s"
        return [
            Figure("e2e_10k", rate / ((before + after) / 2), 0.08, detail),
            Figure("e2e_10k_seconds", told_s, 60, detail, at_most=True),
            *memory,
        ]


def _memory(web: list[int], worker: list[int]) -> list[Figure]:
    return [
        Figure(
            "memory_web", max(rss_mb(pid) for pid in web), 150, "MB, largest web worker after the load", at_most=True
        ),
        Figure(
            "memory_worker", max(rss_mb(pid) for pid in worker), 150, "MB, drain worker after the load", at_most=True
        ),
    ]


def peak() -> list[Figure]:
    """1,000 refunds within a second or as fast as they are taken: no 5xx, all decided and paid."""
    with running(worker=True) as rig:
        merchant, key = merchant_with_key(rig.wechat)
        sales = paid_sales(merchant, 1_000, channel=rig.wechat)
        started = time.perf_counter()
        loaded = post_refunds(port=rig.port, key=key, sales=sales, clients=64)
        if set(loaded.statuses) != {201}:
            raise AssertionError(f"answers: {loaded.statuses}")
        decided_s = time.perf_counter() - started
        wait_until(lambda: RefundRequest.objects.filter(state="refunded").count() == 1_000, seconds=60)
        detail = f"all paid after {time.perf_counter() - started:.1f} s"
        return [Figure("peak_decided_s", decided_s, 30, detail, at_most=True)]


def hot_sale() -> list[Figure]:
    """200 partial refunds of one sale at once, against raw commits on one row."""
    raw.prepare()
    ratios, rates = [], []
    with running(worker=False) as rig:
        merchant, key = merchant_with_key(rig.wechat)
        account = merchant.channel_accounts.get()
        account.profile_overrides = {**account.profile_overrides, "max_partials": 100_000}
        account.save()
        post_refunds(port=rig.port, key=key, sales=paid_sales(merchant, 200), clients=16)
        for _ in range(ROUNDS):
            baseline = raw.commits_per_s(seconds=3, hot=True)
            (sale,) = paid_sales(merchant, 1, amount_fen=200 * 600)
            loaded = post_refunds(port=rig.port, key=key, sales=[sale] * 220, clients=16, amount_fen=600)
            if loaded.statuses[201] != 200:
                raise AssertionError(f"answers: {loaded.statuses}")
            ratios.append(loaded.rate / baseline)
            rates.append(loaded.rate)
        _no_breach()
        return [
            Figure(
                "hot_sale", statistics.median(ratios), 0.5, f"{statistics.median(rates):.0f}/s on one sale, sum exact"
            )
        ]


def crash() -> list[Figure]:
    """kill -9 of the worker at 40% of 2,000: nothing lost, nothing paid twice, done soon after the restart."""
    with running(worker=True) as rig:
        assert rig.worker is not None
        merchant, key = merchant_with_key(rig.wechat)
        sales = paid_sales(merchant, 2_000, channel=rig.wechat)
        rig.wechat.control("POST", "/latency", {"fixed_ms": 100})
        loader = threading.Thread(
            target=post_refunds, kwargs={"port": rig.port, "key": key, "sales": sales, "clients": 16}
        )
        loader.start()
        wait_until(lambda: RefundRequest.objects.filter(state="refunded").count() >= 800, seconds=60)
        rig.worker.kill()
        paid_before = RefundRequest.objects.filter(state="refunded").count()
        env = rig.worker.env
        replacement = start_worker(env)
        loader.join()
        started = time.perf_counter()
        try:
            wait_until(lambda: RefundRequest.objects.filter(state="refunded").count() == 2_000, seconds=90)
        finally:
            seconds = time.perf_counter() - started
            replacement.stop()
        sends = sum(Execution.objects.values_list("sends", flat=True))
        _no_breach(rig.wechat.ledger())
        repeats = sends - 2_000
        detail = f"killed after {paid_before}; {repeats} sent again under their own number, none paid twice"
        # A payout in the dead worker's hands is taken up again when its lease has run out.
        return [Figure("crash_s", seconds, settings.EXECUTION_LEASE_S + 5, detail, at_most=True)]


def one_down() -> list[Figure]:
    """One channel accepts connections and never answers: how much slower are the other two, and does it drain afterwards?"""
    with running(worker=False) as rig, ExitStack() as stack:
        env = dict(os.environ)
        others = [StandIn(env, "alipay"), StandIn(env, "unionpay")]
        for other in others:
            stack.callback(other.process.stop)
        hole = stack.enter_context(black_hole())
        merchant, key = merchant_with_key(rig.wechat)
        for account in accounts_in(Path(env["VAR_DIR"])).values():
            if account.channel != "wechat":
                add_account(merchant, account)
        for stand_in in (rig.wechat, *others):
            stand_in.control("POST", "/faults", {"operation": "notice", "fault": "lost", "times": 1_000_000})
            stand_in.control("POST", "/latency", {"fixed_ms": 50})
        seconds = []
        for wechat_answers in (True, True, False):  # the first round warms keys and connections
            ChannelAccount.objects.filter(merchant=merchant, channel="wechat").update(
                base_url=rig.wechat.account["base_url"] if wechat_answers else hole, revision=F("revision") + 1
            )
            for stand_in in (rig.wechat, *others):
                sales = paid_sales(merchant, 600, channel=stand_in)
                post_refunds(port=rig.port, key=key, sales=sales, clients=16)
            seconds.append(_drain_others())
        _healthy_first, healthy, with_one_down = seconds
        # It answers again: its refunds go out by themselves.
        ChannelAccount.objects.filter(merchant=merchant, channel="wechat").update(
            base_url=rig.wechat.account["base_url"], revision=F("revision") + 1
        )
        started = time.perf_counter()
        wait_until(_drained_wechat, seconds=180)
        _no_breach()
        detail = f"{with_one_down:.1f} s against {healthy:.1f} s; the third drained {time.perf_counter() - started:.0f} s after"
        return [Figure("one_down", with_one_down / healthy, 1.10, detail, at_most=True)]


def _drain_others() -> float:
    """Drain in a thread of its own, as a worker would, until the two healthy channels have answered for all."""
    started = time.perf_counter()
    worker = threading.Thread(target=_drain_thread)
    worker.start()
    wait_until(lambda: not _unsent().exclude(channel_account__channel="wechat").exists(), seconds=120)
    seconds = time.perf_counter() - started
    loop.stopping.set()
    worker.join()
    loop.stopping.clear()
    return seconds


def _drain_thread() -> None:
    try:
        loop.drain()
    finally:
        connections.close_all()


def _unsent() -> QuerySet[Execution]:
    return Execution.objects.filter(state__in=["ready", "sending", "unknown"])


def _drained_wechat() -> bool:
    loop.drain()
    return not _unsent().exists()


def idle() -> list[Figure]:
    """Web, worker, beat and simulator at rest for 20 s: share of one core (the services themselves not counted)."""
    with running(worker=True) as rig:
        merchant_with_key(rig.wechat)
        time.sleep(8)
        pids = [*rig.web.pids(), *(rig.worker.pids() if rig.worker else []), *rig.wechat.process.pids()]
        before = {pid: cpu_s(pid) for pid in pids}
        time.sleep(20)
        used = sum(cpu_s(pid) - before[pid] for pid in pids)
        memory = sum(rss_mb(pid) for pid in pids)
        return [
            Figure(
                "idle_core_percent",
                used / 20 * 100,
                2,
                f"{memory:.0f} MB resident, shared pages counted twice",
                at_most=True,
            )
        ]


def wait_until(reached: Callable[[], bool], *, seconds: float) -> None:
    """Raises ``AssertionError`` when it does not come true in time."""
    until = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > until:
            close_old_connections()
            raise AssertionError(f"not reached within {seconds:.0f} s at {timezone.now():%H:%M:%S}")
        time.sleep(0.25)


def reconcile() -> list[Figure]:
    """30,000 refunds of a day on three channels against their statements, fetched and compared by one process."""
    seconds, megabytes, refunds = reconciliation.measure()
    detail = f"s for {refunds:,} refunds on three channels, start of the process included"
    return [
        Figure("reconciliation", seconds, 20, detail, at_most=True),
        Figure("reconciliation_memory", megabytes, 300, "MB, peak of that process", at_most=True),
    ]


def one_dark() -> list[Figure]:
    """Ten minutes (``OUTAGE_S``) of steady load with one channel dark; see ``benchmarks.outage``."""
    seen = outage.measure()
    if seen.breaches:
        raise AssertionError(f"invariants are broken: {seen.breaches[:5]}")
    drained = f"s until the {seen.waiting} refunds that had waited were paid, by themselves, each once"
    return [
        Figure("outage_median", seen.ratio(0.5), 1.10, outage.describe(seen), at_most=True),
        Figure("outage_p95", seen.ratio(0.95), 1.25, "of the same", at_most=True),
        Figure("outage_drain_s", seen.drain_s, outage.DRAIN_WITHIN_S, drained, at_most=True),
    ]


def pages_at_scale() -> list[Figure]:
    """Every list, filter and search with ``PAGES_REQUESTS`` refunds (100,000) against 20,000, beside a primary-key call each."""
    requests = int(os.environ.get("PAGES_REQUESTS", "100000"))
    costs = []
    for count in (20_000, requests):
        empty()
        size = scale.Size(requests=count, sales=3 * count, open_requests=2_000)
        key = scale.load(size=size, seed=1, now=timezone.now(), say=lambda _: None)
        costs.append(pages.cost_of_each(key=key))
    small, large = costs
    ratios = sorted(((large[what] / small[what], what) for what in small), reverse=True)
    dear = [f"{what} {large[what]:.1f} ({ratio:.1f} times)" for ratio, what in ratios if ratio > _PAGES_GOAL]
    detail = f"times a small database's, of {len(ratios)} addresses; {'; '.join(dear) or 'none above the goal'}"
    return [Figure("pages_worst", ratios[0][0], _PAGES_GOAL, detail, at_most=True)]


_PAGES_GOAL = 1.5


def invariants_at_scale() -> list[Figure]:
    """The hourly run with ``PAGES_REQUESTS`` refunds (100,000), and a drain beside it."""
    requests = int(os.environ.get("PAGES_REQUESTS", "100000"))
    size = scale.Size(requests=requests, sales=3 * requests, open_requests=2_000)
    scale.load(size=size, seed=1, now=timezone.now(), say=lambda _: None)
    seen = beside.measure(rounds=ROUNDS)
    detail = f"{seen.beside_s:.1f} s beside it against {seen.alone_s:.1f} s alone, in turns"
    return [
        Figure("invariants_s", seen.run_s, 30, f"s, {requests:,} refunds, start of the process included", at_most=True),
        Figure("invariants_beside", seen.ratio, 1.10, detail, at_most=True),
    ]


def keys_at_scale() -> list[Figure]:
    """From a key to the next refund painted, with ``KEYS_REQUESTS`` refunds (20,000) behind it."""
    requests = int(os.environ.get("KEYS_REQUESTS", "20000"))
    size = scale.Size(requests=requests, sales=3 * requests, open_requests=2_000)
    scale.load(size=size, seed=1, now=timezone.now(), say=lambda _: None)
    with running(worker=False) as rig:
        walked, decided = keys.measure(port=rig.port, presses=60)
    return [
        Figure("keys_list", walked.p95, 100, f"{walked}, {requests:,} refunds", at_most=True),
        Figure("keys_flow", decided.p95, 100, f"{decided}, {requests:,} refunds", at_most=True),
    ]


def policy_trial() -> list[Figure]:
    """A draft tried on ``TRIAL_REQUESTS`` requests (100,000) with their counters, as it was and with feedback."""
    trial, seconds, cpu_s = trials.measure(requests=int(os.environ.get("TRIAL_REQUESTS", "100000")))
    assert trial.results is not None
    changed = " and ".join(f"{trial.results[mode]['changed']:,}" for mode in MODES)
    detail = f"s for {trial.total:,} requests, of which {changed} are decided otherwise; {cpu_s:.0f} s of processor"
    return [Figure("trial_s", seconds, 30, detail, at_most=True)]


MEASURES: dict[str, Callable[[], list[Figure]]] = {
    "intake": intake,
    "execution": execution,
    "e2e_10k": e2e_10k,
    "peak": peak,
    "hot_sale": hot_sale,
    "crash": crash,
    "one_down": one_down,
    "idle": idle,
    "reconciliation": reconcile,
}

#: Too long to run with the others: only when named.
LONG_MEASURES: dict[str, Callable[[], list[Figure]]] = {
    "outage": one_dark,
    "pages": pages_at_scale,
    "invariants": invariants_at_scale,
    "trial": policy_trial,
    "keys": keys_at_scale,
}
