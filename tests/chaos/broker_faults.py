"""``python -m tests.chaos.broker_faults --killed 40 --frozen 20 --emptied 20 --workers 20``: how long until all is paid?

One worker, one beat and one web, as in the demo, under load. Again and again the broker is killed and restarted, frozen or
emptied, or the worker is killed, in an order that the seed decides; after each the time until the last due refund is paid is
taken. Printed is its distribution a kind, beside the promise. Exit code 1 if a promise was missed, a process ended by itself, a
refund was not paid exactly once, or an invariant is broken.

A deaf or dead worker has nobody to hide behind here: there is no second one, and nobody starts it again.

Wants services of its own (``make broker-faults`` gives them); the broker that is broken is another one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import django

from tests.faults.house import (
    BROKER_LOST_S,
    CHANNEL_TIMEOUT_S,
    PATIENCE_S,
    PRODUCTION,
    WORKER_KILLED_S,
    Channel,
    Child,
    House,
    NotInTime,
    house,
    wait_until,
)
from tests.faults.services import Broker

if TYPE_CHECKING:
    from merchants.models import Merchant
    from tests.faults.client import Till

#: Calls last so long that a worker has some in hand whenever it is disturbed.
_CHANNEL_MS = 300


@dataclass
class Stage:
    """What runs, so that it can be broken and mended."""

    home: House
    broker: Broker
    channel: Channel
    web: Child
    worker: Child
    beat: Child
    #: What must not be so, whatever the times are.
    broken: list[str] = field(default_factory=list)

    def look_after_children(self) -> None:
        """Nothing but us may have ended any of them; the run goes on with another one."""
        for child in (self.web, self.beat, self.worker):
            if child.exit_code is not None:
                self.broken.append(f"{child.name} ended by itself with {child.exit_code}: {child.log}")
        if self.web.exit_code is not None:
            self.web = self.home.web()
        if self.beat.exit_code is not None:
            self.beat = self.home.beat()
        if self.worker.exit_code is not None:
            self.worker = self.home.worker()


def broker_killed(stage: Stage, dice: Random) -> float:
    stage.broker.process.kill()
    time.sleep(dice.uniform(0, 2))
    stage.broker.start()
    return time.monotonic()


def broker_frozen(stage: Stage, dice: Random) -> float:
    stage.broker.freeze()
    time.sleep(dice.uniform(1, 8))
    stage.broker.thaw()
    return time.monotonic()


def broker_emptied(stage: Stage, _dice: Random) -> float:
    stage.broker.empty()
    return time.monotonic()


def worker_killed(stage: Stage, _dice: Random) -> float:
    stage.worker.kill()
    over = time.monotonic()
    stage.worker = stage.home.worker()
    return over


#: Does it, and says since when it is over: then the clock starts, for the load that is still coming, too.
Fault = Callable[[Stage, Random], float]


@dataclass(frozen=True)
class Kind:
    """A fault, how often it is asked for, and the product's promise."""

    name: str
    fault: Fault
    option: str
    usual: int
    promise_s: float


KINDS = (
    Kind("broker killed", broker_killed, "--killed", 40, BROKER_LOST_S),
    Kind("broker frozen", broker_frozen, "--frozen", 20, BROKER_LOST_S),
    Kind("broker emptied", broker_emptied, "--emptied", 20, BROKER_LOST_S),
    Kind("worker killed", worker_killed, "--workers", 20, WORKER_KILLED_S),
)


@dataclass
class Times:
    """What one kind took: until the last refund was there, and until a single one was that was asked for afterwards."""

    until_all: list[float] = field(default_factory=list)
    afterwards: list[float] = field(default_factory=list)


def main() -> int:
    arguments = _arguments()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["LOG_LEVEL"] = "ERROR"
    folder = Path(tempfile.mkdtemp(prefix="refunddesk-broker-faults-"))
    print(f"logs are in {folder}", flush=True)
    with ExitStack() as stack:
        broker = Broker(folder)
        stack.callback(lambda: broker.process.kill())
        os.environ["REDIS_URL"] = broker.url
        django.setup()
        broken = _run(arguments, broker=broker, folder=folder, stack=stack)
    if broken:
        print("\n".join(["BROKEN:", *(f"  {line}" for line in broken)]))
        return 1
    shutil.rmtree(folder)
    print("each paid once, invariants hold, promises kept")
    return 0


def _run(arguments: argparse.Namespace, *, broker: Broker, folder: Path, stack: ExitStack) -> list[str]:
    from django.conf import settings  # noqa: PLC0415 -- only once Django is set up
    from django.core.management import call_command  # noqa: PLC0415

    from tests.factories import make_account, make_merchant  # noqa: PLC0415
    from tests.faults.conftest import till_of  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    dice, started = Random(arguments.seed), time.monotonic()
    channel = Channel("wechat", folder=folder)
    stack.callback(lambda: channel.process.end())
    channel.reset()
    channel.control("POST", "/latency", {"fixed_ms": _CHANNEL_MS})
    home = stack.enter_context(
        house(database_url=os.environ["DATABASE_URL"], redis_url=broker.url, folder=folder, **PRODUCTION)
    )
    settings.BASE_URL = home.base_url
    merchant = make_merchant()
    make_account(
        merchant, channel.account, first_query_s=1, timeout_s=CHANNEL_TIMEOUT_S, query_lag_s=0, partial_spacing_s=0
    )
    till = till_of(home, merchant)
    stage = Stage(home, broker, channel, web=home.web(), worker=home.worker(), beat=home.beat())
    order = [kind for kind in KINDS for _ in range(getattr(arguments, kind.option.strip("-")))]
    dice.shuffle(order)
    times = {kind.name: Times() for kind in KINDS}
    for number, kind in enumerate(order, start=1):
        took = _disturb(kind, stage=stage, till=till, merchant=merchant, count=arguments.refunds, dice=dice)
        times[kind.name].until_all.append(took[0])
        times[kind.name].afterwards.append(took[1])
        print(f"{number:4}  {kind.name:<14} {took[0]:6.1f} s, the next one {took[1]:5.1f} s", flush=True)
    _print(times, seconds=time.monotonic() - started)
    return [*stage.broken, *_missed(times), *_judge(stage, till, count=len(order) * (arguments.refunds + 1))]


def _disturb(
    kind: Kind, *, stage: Stage, till: Till, merchant: Merchant, count: int, dice: Random
) -> tuple[float, float]:
    """One fault under load. Returns the seconds until everything was refunded, and those of one refund afterwards."""
    from tests.faults.client import Wish  # noqa: PLC0415
    from tests.faults.work import paid_sales  # noqa: PLC0415

    *sales, last = [Wish(str(sale.pk)) for sale in paid_sales(merchant, stage.channel, count + 1)]
    posting = till.post_all(sales, clients=4, pause_s=0.2)
    time.sleep(dice.uniform(0, 0.5))
    over = kind.fault(stage, dice)
    posting.join(timeout=2 * PATIENCE_S)
    until_all = _until_refunded(merchant, stage, since=over, what=f"{kind.name}: all are refunded")
    stage.look_after_children()
    asked = time.monotonic()
    till.post(last)
    afterwards = _until_refunded(merchant, stage, since=asked, what=f"after {kind.name}: the next is refunded")
    stage.look_after_children()
    return until_all, afterwards


def _until_refunded(merchant: Merchant, stage: Stage, *, since: float, what: str) -> float:
    """Seconds since then until no request waits for money any more; what takes for ever is broken, and given up."""
    from django.db import close_old_connections  # noqa: PLC0415

    from refunds.models import RefundRequest  # noqa: PLC0415

    close_old_connections()
    waiting = RefundRequest.objects.filter(merchant=merchant).exclude(state="refunded")
    try:
        wait_until(lambda: not waiting.exists(), seconds=2 * WORKER_KILLED_S, what=what)
    except NotInTime as error:
        stage.broken.append(f"{error}; {list(waiting.values_list('pk', 'state')[:5])}")
    return time.monotonic() - since


def _missed(times: dict[str, Times]) -> list[str]:
    return [
        f"{kind.name}: {max(found):.1f} s, promised are {kind.promise_s:.0f} s"
        for kind in KINDS
        for found in (times[kind.name].until_all, times[kind.name].afterwards)
        if found and max(found) > kind.promise_s
    ]


def _judge(stage: Stage, till: Till, *, count: int) -> list[str]:
    """Whatever disagrees between the till, our books and what the channel paid."""
    from invariants import against_channels, inspection  # noqa: PLC0415
    from tests.faults.conftest import leaked  # noqa: PLC0415

    ledger = stage.channel.ledger()
    broken = [f"{breach.code}: {breach.what}" for breach in inspection.check()]
    broken += [f"{breach.code}: {breach.what}" for breach in against_channels.paid_per_ledger(ledger)]
    broken += [*till.disagreements(), *leaked(stage.home.folder)]
    payouts, orders = {row["refund_no"] for row in ledger}, {row["order_no"] for row in ledger}
    if not len(ledger) == len(payouts) == len(orders) == len(till.answers) == count:
        broken.append(
            f"{count} refunds were wanted, {len(till.answers)} answered; the channel paid {len(ledger)} times, "
            f"{len(payouts)} numbers of {len(orders)} orders"
        )
    return broken


def _print(times: dict[str, Times], *, seconds: float) -> None:
    print(f"\nseconds until the last due refund was paid ({seconds:.0f} s in all)")
    print(f"{'':<15}{'times':>6}{'min':>8}{'median':>8}{'p95':>8}{'max':>8}{'promise':>9}     the next: median, max")
    for kind in KINDS:
        found, afterwards = times[kind.name].until_all, times[kind.name].afterwards
        if found:
            figures = (min(found), statistics.median(found), _p95(found), max(found))
            print(
                f"{kind.name:<15}{len(found):>6}{''.join(f'{figure:8.1f}' for figure in figures)}{kind.promise_s:9.0f}"
                f"     {statistics.median(afterwards):8.1f}{max(afterwards):8.1f}"
            )


def _p95(found: list[float]) -> float:
    ordered = sorted(found)
    return ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.broker_faults")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--refunds", type=int, default=24, help="asked for around each fault")
    for kind in KINDS:
        parser.add_argument(kind.option, type=int, default=kind.usual, metavar="N", help=f"{kind.name}, so many times")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
