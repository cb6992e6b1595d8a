"""The broker or the database go away and come back: the API takes requests in without the one, and waits for the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from dev.embedded import keys, ports
from dev.embedded.postgres import Cluster
from dev.embedded.rootless import launcher
from merchants.models import Merchant
from refunds.models import RefundRequest
from tests.faults.client import Till, Wish
from tests.faults.conftest import till_of
from tests.faults.house import (
    BROKER_LOST_S,
    DATABASE_RESTARTED_S,
    PATIENCE_S,
    PRODUCTION,
    Channel,
    Child,
    House,
    house,
    wait_until,
)
from tests.faults.services import Broker
from tests.faults.work import all_refunded, paid_once, paid_sales

pytestmark = pytest.mark.faults


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    broker.process.kill()


@pytest.mark.long
def test_broker_killed_while_the_api_writes(
    houses: Callable[..., House], own_broker: Broker, merchant: Merchant, wechat: Channel
) -> None:
    """Requests are still taken in, and once the broker is back, empty, the same workers go on."""
    home = houses(redis_url=own_broker.url)
    till = till_of(home, merchant)
    sales = [Wish(str(sale.pk)) for sale in paid_sales(merchant, wechat, 10)]
    home.web()
    home.worker()
    home.beat()
    till.post(sales[0])
    own_broker.process.kill()
    started = time.monotonic()
    for sale in sales[1:]:
        till.post(sale)
    assert till.repeats == 0
    assert time.monotonic() - started < 10
    assert RefundRequest.objects.count() == 10
    own_broker.start()
    all_refunded(seconds=BROKER_LOST_S, sweeping=False)
    paid_once(wechat, 10)


@pytest.mark.long
def test_broker_frozen_while_the_api_writes(
    houses: Callable[..., House], own_broker: Broker, merchant: Merchant, wechat: Channel
) -> None:
    """A broker that takes connections and says nothing costs a moment, never the request."""
    home = houses(redis_url=own_broker.url)
    till = till_of(home, merchant)
    sales = [Wish(str(sale.pk)) for sale in paid_sales(merchant, wechat, 3)]
    home.web()
    home.worker()
    home.beat()
    own_broker.freeze()
    started = time.monotonic()
    till.post_all(sales, clients=3).join(timeout=PATIENCE_S)
    assert time.monotonic() - started < 10
    assert till.repeats == 0
    own_broker.thaw()
    all_refunded(seconds=BROKER_LOST_S, sweeping=False)
    paid_once(wechat, 3)


@pytest.mark.long
def test_broker_frozen_submission_costs_what_it_always_costs(
    houses: Callable[..., House], own_broker: Broker, merchant: Merchant, wechat: Channel
) -> None:
    """The first calls of each process wait for the broker, those after them go on without it."""
    home = houses(redis_url=own_broker.url)
    till = till_of(home, merchant)
    sales = [Wish(str(sale.pk)) for sale in paid_sales(merchant, wechat, 100)]
    home.web()
    for sale in sales[:20]:
        till.post(sale)
    normal = [_took(till, sale) for sale in sales[20:60]]
    own_broker.freeze()
    try:
        for sale in sales[60:70]:
            till.post(sale)
        frozen = [_took(till, sale) for sale in sales[70:]]
    finally:
        own_broker.thaw()
    assert till.repeats == 0
    # One that waits for the broker costs a second; a busy machine may cost some tenths.
    assert sorted(frozen)[28] < sorted(normal)[37] + 0.5


def _took(till: Till, sale: Wish) -> float:
    began = time.monotonic()
    till.post(sale)
    return time.monotonic() - began


def test_database_killed_and_restarted(channel_process: Channel, tmp_path: Path) -> None:
    """PostgreSQL ends at once in the middle of the work; when it is back, everything goes on by itself."""
    channel_process.reset()
    cluster = Cluster(
        folder=tmp_path / "postgres",
        port=ports.pick_for_tests(count=1)[0],
        superuser_password=keys.token(),
        owner_password=keys.token(),
        application_password=keys.token(),
        launcher=launcher(),
        throwaway=False,
    )
    cluster.initialise()
    broker = Broker(tmp_path)
    database = Child("postgres", cluster.command(), env=os.environ, folder=tmp_path)
    try:
        cluster.wait_until_ready(timeout_s=PATIENCE_S)
        cluster.ensure_database()
        with house(
            database_url=cluster.url,
            redis_url=broker.url,
            folder=tmp_path,
            DATABASE_OWNER_URL=cluster.owner_url,
            AUDIT_HEADS_DIR=str(tmp_path / "heads"),
            **PRODUCTION,
        ) as home:
            seed = _run(home, "-m", "tests.faults.seed", str(tmp_path / "account.json"), "60", account=channel_process)
            seeded = json.loads(seed)
            channel_process.control("POST", "/payments", {"payments": seeded["payments"]})
            # So slow that payouts are in the air when the database goes.
            channel_process.control("POST", "/latency", {"fixed_ms": 300})
            home.web()
            home.worker()
            home.beat()
            till = Till(home.web_port, seeded["key"])
            posting = till.post_all([Wish(sale) for sale in seeded["sales"]], clients=4)
            wait_until(lambda: len(till.answers) > 15, seconds=PATIENCE_S, what="work is under way")
            database.kill()
            time.sleep(0.5)
            cluster.recover_from_kill()
            database = Child("postgres", cluster.command(), env=os.environ, folder=tmp_path)
            cluster.wait_until_ready(timeout_s=PATIENCE_S)
            back = time.monotonic()
            posting.join(timeout=DATABASE_RESTARTED_S)
            assert not posting.is_alive()
            left = back + DATABASE_RESTARTED_S - time.monotonic()
            wait_until(lambda: refunded(cluster) == 60, seconds=left, what="all are refunded", every_s=0.2)
            paid_once(channel_process, 60)
            assert {len(set(ids)) for ids in till.answers.values()} == {1}
            home.worker()
            _run(home, "manage.py", "check_invariants")
    finally:
        database.kill()
        broker.process.kill()
        channel_process.control("POST", "/latency", {"fixed_ms": 0})
        channel_process.reset()


def refunded(cluster: Cluster) -> int:
    """How many requests our own books say were refunded."""
    with closing(psycopg2.connect(cluster.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM refunds_refundrequest WHERE state = 'refunded'")
        found = cursor.fetchone()
    assert found is not None
    return int(found[0])


def _run(home: House, *argv: str, account: Channel | None = None) -> str:
    """What a command of ours prints, in the house's environment. Raises ``AssertionError`` when it fails."""
    if account is not None:
        (home.folder / "account.json").write_text(json.dumps(account.account))
    done = subprocess.run(
        [sys.executable, *argv], env=home.env({"LOG_LEVEL": "ERROR"}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
