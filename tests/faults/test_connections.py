"""Connections that break: answers that are lost after the deed, backends that are killed, a broker that is slow or resets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from merchants.models import Merchant
from refunds.models import Execution, RefundRequest
from tests.faults.client import Till, Wish
from tests.faults.conftest import till_of
from tests.faults.house import BROKER_LOST_S, DATABASE_RESTARTED_S, PATIENCE_S, Channel, House, wait_until
from tests.faults.proxy import Proxy, proxy
from tests.faults.work import all_refunded, paid_once, paid_sales, refunds, sweep

pytestmark = pytest.mark.faults


def _through(url: str, standing: Proxy) -> str:
    """The same address by way of the proxy."""
    parts = urlsplit(url)
    login, _, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{standing.port}"))


@pytest.fixture
def to_database(transactional_db: None) -> Iterator[Proxy]:
    with proxy(connection.settings_dict["HOST"], int(connection.settings_dict["PORT"])) as standing:
        yield standing


@pytest.fixture
def to_broker() -> Iterator[Proxy]:
    parts = urlsplit(settings.REDIS_URL)
    with proxy(parts.hostname or "", parts.port or 0) as standing:
        yield standing


def _repeats_above(till: Till, count: int) -> bool:
    return till.repeats > count


def test_database_commits_and_its_answer_is_lost(
    houses: Callable[..., House], to_database: Proxy, merchant: Merchant, wechat: Channel
) -> None:
    """The till sees an error, asks again under its key, and gets the answer of the one request that was made."""
    home = houses()
    home.database_url = _through(home.database_url, to_database)
    till = till_of(home, merchant)
    warm, *sales = [Wish(str(sale.pk)) for sale in paid_sales(merchant, wechat, 6)]
    home.web()
    till.post(warm)
    for sale in sales:
        to_database.swallow = True
        posting = threading.Thread(target=till.post, args=(sale,), daemon=True)
        so_far = till.repeats
        posting.start()
        wait_until(partial(_repeats_above, till, so_far), seconds=PATIENCE_S, what="the answer was lost")
        to_database.swallow = False
        posting.join(timeout=2 * PATIENCE_S)
    assert RefundRequest.objects.count() == 6
    assert not till.disagreements()
    home.worker()
    all_refunded(seconds=PATIENCE_S)
    paid_once(wechat, 6)


@pytest.mark.long
def test_database_connections_are_cut_while_workers_write(
    houses: Callable[..., House], to_database: Proxy, merchant: Merchant, wechat: Channel
) -> None:
    """Also between COMMIT and its answer: what was settled stays settled, the rest is done again under its number."""
    home = houses()
    home.database_url = _through(home.database_url, to_database)
    wechat.control("POST", "/latency", {"fixed_ms": 50})
    refunds(merchant, wechat, 150)
    home.worker()
    home.worker()
    until = time.monotonic() + 4
    try:
        while time.monotonic() < until:
            sweep()
            time.sleep(0.3)
            to_database.cut()
        all_refunded(seconds=DATABASE_RESTARTED_S)
    finally:
        wechat.control("POST", "/latency", {"fixed_ms": 0})
    paid_once(wechat, 150)


def test_backends_are_killed_in_their_transactions(home: House, merchant: Merchant, wechat: Channel) -> None:
    refunds(merchant, wechat, 60)
    home.worker()
    sweep()
    for _ in range(8):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
            )
        time.sleep(0.15)
        sweep()
    all_refunded(seconds=DATABASE_RESTARTED_S)
    paid_once(wechat, 60)


@pytest.mark.long
def test_broker_that_answers_late_or_resets_costs_no_request(
    houses: Callable[..., House], to_broker: Proxy, merchant: Merchant, wechat: Channel
) -> None:
    home = houses(redis_url=_through(settings.REDIS_URL, to_broker))
    till = till_of(home, merchant)
    sales = [Wish(str(sale.pk)) for sale in paid_sales(merchant, wechat, 6)]
    home.web()
    home.worker()
    home.beat()
    for mood in ("late", "resets", "refuses"):
        to_broker.delay_s = 0.2 if mood == "late" else 0.0
        to_broker.refuse = mood == "refuses"
        for sale in sales[:2]:
            if mood != "late":
                to_broker.cut()
            till.post(sale)
        del sales[:2]
    assert till.repeats == 0
    to_broker.refuse = False
    all_refunded(seconds=BROKER_LOST_S, sweeping=False)
    paid_once(wechat, 6)


@pytest.mark.long  # tests/contracts has a wrong clock in every run
@pytest.mark.parametrize("skew_s", [-600, 600])
def test_channels_clock_is_ten_minutes_off(home: House, merchant: Merchant, wechat: Channel, skew_s: int) -> None:
    """Answers with such dates are not believed; when the clock is right again, one refund is all there was."""
    wechat.control("POST", "/clock", {"skew_s": skew_s})
    refunds(merchant, wechat, 3)
    home.worker()
    sweep()
    wait_until(
        lambda: Execution.objects.filter(state="unknown").count() == 3, seconds=PATIENCE_S, what="nothing is believed"
    )
    assert not RefundRequest.objects.filter(state__in=["refunded", "failed"]).exists()
    wechat.control("POST", "/clock", {"skew_s": 0})
    all_refunded(seconds=PATIENCE_S)
    paid_once(wechat, 3)
