"""kill -9 wherever it hurts: nothing acknowledged is lost, nothing is paid twice, work goes on by itself."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import redis
from django.conf import settings

from merchants.models import Merchant
from refunds.models import ChannelNotice, Execution, Notification, OutboxMessage, RefundRequest
from tests.factories import make_request
from tests.faults.client import Till, Wish
from tests.faults.house import BROKER_LOST_S, PATIENCE_S, PRODUCTION, WORKER_KILLED_S, Channel, House, wait_until
from tests.faults.work import all_refunded, paid_once, paid_sales, refunds, sweep

pytestmark = pytest.mark.faults

#: Longer than the slow channel's time-out.
LONG_LEASE = {"EXECUTION_LEASE_S": "10"}
#: Failpoint -> whether the channel can have paid something when the worker dies there.
_IN_EXECUTION = {
    "execution.after_claim": False,
    "execution.before_call": False,
    "execution.after_call": True,
    "execution.before_commit": True,
    "execution.after_commit": True,
}


def _first(*names: str, of: Iterable[str]) -> list[Any]:
    """These failpoints in every run, the others in `make faults`."""
    return [name if name in names else pytest.param(name, marks=pytest.mark.long) for name in of]


@pytest.mark.parametrize("failpoint", _first("execution.after_call", of=_IN_EXECUTION))
def test_worker_killed_in_execution(home: House, merchant: Merchant, wechat: Channel, failpoint: str) -> None:
    refunds(merchant, wechat, 5)
    doomed = home.worker(failpoints=failpoint)
    sweep()
    assert doomed.wait(seconds=PATIENCE_S) == -signal.SIGKILL
    assert Execution.objects.filter(state="sending").exists() or failpoint == "execution.after_commit"
    assert bool(wechat.ledger()) <= _IN_EXECUTION[failpoint]
    home.worker()
    all_refunded(seconds=WORKER_KILLED_S)
    paid_once(wechat, 5)


@pytest.mark.long
def test_worker_killed_with_calls_in_the_air_and_the_usual_lease(
    houses: Callable[..., House], merchant: Merchant, wechat: Channel
) -> None:
    """With the product's own settings, and beat alone to call: what the dead worker held is paid within the promise."""
    home = houses(**PRODUCTION)
    refunds(merchant, wechat, 5)
    doomed = home.worker(failpoints="execution.before_call")
    sweep()
    assert doomed.wait(seconds=PATIENCE_S) == -signal.SIGKILL
    killed = time.monotonic()
    home.worker()
    home.beat()
    all_refunded(seconds=killed + WORKER_KILLED_S - time.monotonic(), sweeping=False)
    paid_once(wechat, 5)


@pytest.mark.parametrize("failpoint", _first("intake.after_commit", of=["intake.before_commit", "intake.after_commit"]))
def test_web_killed_while_it_takes_a_request_in(
    home: House, till: Till, merchant: Merchant, wechat: Channel, failpoint: str
) -> None:
    (sale,) = paid_sales(merchant, wechat, 1)
    doomed = home.web(failpoints=failpoint)
    patient = threading.Thread(target=till.post, args=(Wish(str(sale.pk)),), daemon=True)
    patient.start()
    wait_until(lambda: till.repeats > 0, seconds=PATIENCE_S, what="the first POST broke off")
    assert RefundRequest.objects.count() == (failpoint == "intake.after_commit")
    doomed.kill()
    home.web()
    patient.join(timeout=2 * PATIENCE_S)
    assert list(till.answers[Wish(str(sale.pk))]) == [str(RefundRequest.objects.get().pk)]
    home.worker()
    all_refunded(seconds=WORKER_KILLED_S)
    paid_once(wechat, 1)


@pytest.mark.parametrize(
    "failpoint",
    _first("notices.after_store", of=["notices.after_store", "notices.before_commit", "notices.after_commit"]),
)
def test_killed_between_a_notice_and_its_effect(
    home: House, merchant: Merchant, wechat: Channel, failpoint: str
) -> None:
    """The notice alone must do it: the query is an hour away."""
    account = merchant.channel_accounts.get()
    account.profile_overrides["first_query_s"] = 3600
    account.save()
    in_web = failpoint == "notices.after_store"
    web = home.web(failpoints=failpoint if in_web else "")
    worker = home.worker(failpoints="" if in_web else failpoint)
    refunds(merchant, wechat, 3)
    sweep()
    wait_until(lambda: ChannelNotice.objects.exists(), seconds=PATIENCE_S, what="a notice is stored")
    if in_web:
        web.kill()
        home.web()
    else:
        sweep()
        assert worker.wait(seconds=PATIENCE_S) == -signal.SIGKILL
        home.worker()
    all_refunded(seconds=WORKER_KILLED_S)
    paid_once(wechat, 3)


@pytest.mark.parametrize(
    "failpoint",
    _first("notification.after_send", of=["outbox.before_commit", "outbox.after_commit", "notification.after_send"]),
)
def test_worker_killed_while_it_tells_the_customer(
    houses: Callable[..., House], merchant: Merchant, wechat: Channel, failpoint: str
) -> None:
    home = houses(EMAIL_BACKEND="django.core.mail.backends.console.EmailBackend")
    (sale,) = paid_sales(merchant, wechat, 1)
    make_request(sale, 1_200, email="wang@example.com")
    doomed = home.worker(failpoints=failpoint)
    sweep()
    assert doomed.wait(seconds=PATIENCE_S) == -signal.SIGKILL
    # The message that was being carried belongs to the dead worker for a minute.
    worker = home.worker()
    all_refunded(seconds=WORKER_KILLED_S)

    def told() -> bool:
        sweep()
        Notification.objects.filter(state="pending").update(due_at="2020-01-01T00:00:00Z")
        waiting = Notification.objects.exclude(state="sent").exists()
        return not waiting and not OutboxMessage.objects.filter(state="pending").exists()

    wait_until(told, seconds=PATIENCE_S, what="the customer was told", every_s=0.2)
    events = list(Notification.objects.order_by("version").values_list("event", flat=True))
    assert events == sorted(set(events), key=events.index)
    assert "refunded" in events
    assert worker.says("wang@example.com")


@pytest.mark.parametrize("count", [250, pytest.param(1_000, marks=pytest.mark.long)])
def test_worker_and_web_killed_in_the_middle_of_many(
    home: House, till: Till, merchant: Merchant, wechat: Channel, count: int
) -> None:
    sales = [Wish(str(sale.pk)) for sale in paid_sales(merchant, wechat, count)]
    hopeless = [Wish(wish.sale, 10_001, hopeless=True) for wish in sales[::50]]
    web, worker = home.web(), home.worker()
    home.beat()
    posting = till.post_all(
        [wish for place in range(0, count, 50) for wish in (*sales[place : place + 50], hopeless[place // 50])]
    )
    wait_until(
        lambda: Execution.objects.filter(state="succeeded").count() > count // 10,
        seconds=PATIENCE_S,
        what="work is under way",
    )
    worker.kill()
    web.kill()
    home.web()
    home.worker()
    posting.join(timeout=3 * PATIENCE_S)
    assert not posting.is_alive()
    all_refunded(seconds=WORKER_KILLED_S, sweeping=False)
    assert till.answers.keys() == set(sales)
    assert {len(set(ids)) for ids in till.answers.values()} == {1}
    assert RefundRequest.objects.count() == count
    paid_once(wechat, count)


def test_broker_emptied_while_work_is_queued(home: House, merchant: Merchant, wechat: Channel) -> None:
    refunds(merchant, wechat, 20)
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    home.worker()
    home.beat()
    all_refunded(seconds=BROKER_LOST_S, sweeping=False)
    paid_once(wechat, 20)


@pytest.mark.long
def test_two_beats_and_two_workers_do_everything_once(home: House, merchant: Merchant, wechat: Channel) -> None:
    for _ in range(2):
        home.beat()
        home.worker()
    refunds(merchant, wechat, 30)
    all_refunded(seconds=PATIENCE_S, sweeping=False)
    paid_once(wechat, 30)


def test_beat_dead_the_bell_alone_is_enough(home: House, till: Till, merchant: Merchant, wechat: Channel) -> None:
    home.web()
    worker = home.worker()
    looked, rounds = "beat overdue: refunds.sweep", 8
    for number in range(1, rounds + 1):
        already = worker.log.read_text().count(looked)
        for sale in paid_sales(merchant, wechat, 3):
            till.post(Wish(str(sale.pk)))
        all_refunded(seconds=PATIENCE_S, sweeping=False)
        paid_once(wechat, 3 * number)
        # A worker begins with a look of its own, and looks again where nobody calls: what it paid meanwhile proves nothing.
        if number > 1 and not worker.says(looked, times=already + 1):
            break
    else:
        pytest.fail(f"in {rounds} rounds nothing was paid before the worker looked by itself")


def slow_channel(merchant: Merchant, channel: Channel, *, calls: int) -> None:
    """So slow that its calls are still in the air when a busy machine has come round to looking."""
    account = merchant.channel_accounts.get()
    account.profile_overrides["timeout_s"] = 8
    account.save()
    channel.control("POST", "/faults", {"operation": "refund", "fault": "latency", "times": calls, "delay_s": 4})


def test_worker_asked_to_end_in_a_call_settles_it(
    houses: Callable[..., House], merchant: Merchant, wechat: Channel
) -> None:
    """A rolling deployment: what is in the air is settled, nothing waits for a lease."""
    home = houses(**LONG_LEASE)
    slow_channel(merchant, wechat, calls=5)
    refunds(merchant, wechat, 5)
    worker = home.worker()
    sweep()
    wait_until(
        lambda: Execution.objects.filter(state="sending").count() == 5, seconds=PATIENCE_S, what="all are in the air"
    )
    worker.end()
    assert worker.exit_code == 0
    assert not Execution.objects.filter(state="sending").exists()
    home.worker()
    all_refunded(seconds=WORKER_KILLED_S)
    paid_once(wechat, 5)


@pytest.mark.long
def test_worker_that_was_frozen_past_its_lease_pays_nothing_twice(
    houses: Callable[..., House], merchant: Merchant, wechat: Channel
) -> None:
    home = houses(**LONG_LEASE)
    slow_channel(merchant, wechat, calls=10)
    refunds(merchant, wechat, 10)
    frozen = home.worker()
    sweep()
    wait_until(
        lambda: Execution.objects.filter(state="sending").count() == 10, seconds=PATIENCE_S, what="all are in the air"
    )
    frozen.send(signal.SIGSTOP)
    home.worker()
    all_refunded(seconds=WORKER_KILLED_S)
    frozen.send(signal.SIGCONT)
    # It settles what it had in the air, and ends.
    frozen.end()
    paid_once(wechat, 10)
