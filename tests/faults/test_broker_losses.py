"""What a broker's trouble may not do to a worker: end it, or leave it alive and deaf. Why it did: docs/adr/0007."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client

from core import redis_client
from core.audit.models import AuditEvent
from merchants.models import Merchant
from tests.faults.house import BROKER_LOST_S, PATIENCE_S, WORKER_KILLED_S, Channel, Child, House, wait_until
from tests.faults.proxy import Proxy, proxy
from tests.faults.work import all_refunded, paid_once, refunds, sweep

pytestmark = pytest.mark.faults

#: Taken off the queue soon after it was put there: far below what the watch of a worker that hears nothing takes.
_HEARD_S = 15


@pytest.fixture
def to_broker() -> Iterator[Proxy]:
    parts = urlsplit(settings.REDIS_URL)
    with proxy(parts.hostname or "", parts.port or 0) as standing:
        yield standing


@pytest.fixture
def home(houses: Callable[..., House], to_broker: Proxy) -> House:
    """A house that reaches its broker by way of the proxy, as the test itself does not."""
    return houses(redis_url=_through(to_broker), EXECUTION_LEASE_S="30")


def _through(standing: Proxy) -> str:
    parts = urlsplit(str(settings.REDIS_URL))
    login, _, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{standing.port}"))


def waiting() -> int:
    """Bells that nobody has taken off the queue."""
    return int(redis_client.client().llen(settings.CELERY_TASK_DEFAULT_QUEUE))


def hears(worker: Child, *, bells: int = 3) -> None:
    """What is put on the queue is taken off it by this worker. Raises ``AssertionError``."""
    for _ in range(bells):
        assert worker.exit_code is None, worker.log.read_text()[-3000:]
        sweep()
        wait_until(lambda: worker.exit_code is not None or not waiting(), seconds=_HEARD_S, what="the bell is heard")
    assert worker.exit_code is None, worker.log.read_text()[-3000:]


def test_broker_lost_with_a_task_in_hand_and_brpop_pending_worker_lives_and_hears(
    home: House, to_broker: Proxy, merchant: Merchant, wechat: Channel
) -> None:
    """Twelve times: whether a worker ended itself hung on which of its connections noticed first."""
    worker = home.worker()
    for loss in range(1, 13):
        with _tasks_kept_in_hand():
            sweep()
            wait_until(lambda: not waiting(), seconds=_HEARD_S, what="a task is in hand")
            to_broker.refuse = True
            to_broker.cut(spare=b"BRPOP")
            wait_until(lambda: to_broker.refused, seconds=PATIENCE_S, what="the worker has noticed", every_s=0.005)
            to_broker.cut()
            wait_until(
                partial(_has_noticed, worker, loss),
                seconds=PATIENCE_S,
                what="the worker has noticed the loss",
            )
        to_broker.refuse, to_broker.refused = False, 0
        hears(worker, bells=1)
    refunds(merchant, wechat, 3)
    all_refunded(seconds=BROKER_LOST_S)
    paid_once(wechat, 3)


def _has_noticed(worker: Child, losses: int) -> bool:
    return worker.exit_code is not None or worker.says("lost. Trying to re-establish", times=losses)


@contextmanager
def _tasks_kept_in_hand() -> Iterator[None]:
    """Whatever sweeps waits in the database."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE refunds_execution, refunds_channelnotice IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.long
def test_four_acknowledgements_fail_worker_still_hears(home: House, to_broker: Proxy, merchant: Merchant) -> None:
    worker = home.worker()
    hears(worker)
    to_broker.cut_on = b"ZREM"
    hears(worker, bells=5)
    to_broker.cut_on = b""
    hears(worker)


@pytest.mark.long
def test_broker_lost_with_more_bells_taken_than_threads_worker_hears(
    home: House, to_broker: Proxy, merchant: Merchant
) -> None:
    worker = home.worker()
    hears(worker)
    with _tasks_kept_in_hand():
        for _ in range(8):
            sweep()
        wait_until(lambda: not waiting(), seconds=_HEARD_S, what="all are taken")
        to_broker.refuse = True
        to_broker.cut()
        wait_until(lambda: worker.says("lost. Trying to re-establish"), seconds=PATIENCE_S, what="the loss is noticed")
    to_broker.refuse = False
    wait_until(lambda: worker.exit_code is not None or not waiting(), seconds=BROKER_LOST_S, what="the worker is back")
    hears(worker)
    assert not worker.says("UNABLE TO RESTORE")


def test_worker_is_deaf_while_the_broker_answers_it_says_so_and_ends_itself(
    houses: Callable[..., House], to_broker: Proxy, merchant: Merchant, wechat: Channel
) -> None:
    """Whoever supervises it starts another; meanwhile its own watch pays."""
    home = houses(redis_url=_through(to_broker), WORKER_DEAF_AFTER_S="12")
    to_broker.hold = b"BRPOP"
    worker = home.worker()
    refunds(merchant, wechat, 3)
    assert worker.wait(seconds=PATIENCE_S) != 0
    assert worker.says("consumer stalled: no message received for 12 s although the broker answers")
    to_broker.hold = b""
    hears(home.worker())
    all_refunded(seconds=BROKER_LOST_S)
    paid_once(wechat, 3)


@pytest.mark.long
def test_beat_is_dead_the_audit_chain_is_sealed_and_health_names_it(
    houses: Callable[..., House], to_broker: Proxy, merchant: Merchant, wechat: Channel
) -> None:
    """What a worker does without being called is work, and no sign of beat; a worker that hears itself is not deaf."""
    home = houses(redis_url=_through(to_broker), WORKER_DEAF_AFTER_S="8")
    refunds(merchant, wechat, 3)
    worker = home.worker()
    all_refunded(seconds=BROKER_LOST_S, sweeping=False)
    wait_until(lambda: not _unsealed(), seconds=PATIENCE_S, what="the audit chain is sealed", every_s=0.5)
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded"), answer.json()
    assert {name for name, state in answer.json()["checks"].items() if state != "ok"} == {"beat"}
    assert worker.exit_code is None


def _unsealed() -> bool:
    return AuditEvent.objects.filter(link__isnull=True).exists()


@pytest.mark.long
def test_worker_started_without_a_broker_pays(
    houses: Callable[..., House], to_broker: Proxy, merchant: Merchant, wechat: Channel
) -> None:
    home = houses(redis_url=_through(to_broker))
    refunds(merchant, wechat, 3)
    to_broker.refuse = True
    home.start_worker()
    all_refunded(seconds=WORKER_KILLED_S, sweeping=False)
    paid_once(wechat, 3)
