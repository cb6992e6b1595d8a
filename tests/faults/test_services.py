"""The broker or the database go away and come back: the API takes requests in without the one, and waits for the other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.embedded import keys, ports
from config.embedded.postgres import Cluster
from config.embedded.rootless import launcher
from config.embedded.valkey import Valkey
from merchants.models import Merchant
from refunds.models import RefundRequest
from tests.faults.client import Till, Wish
from tests.faults.conftest import till_of
from tests.faults.house import Channel, Child, House, house, wait_until
from tests.faults.work import all_refunded, paid_once, paid_sales

pytestmark = pytest.mark.faults


class Broker:
    """A Valkey that the test may kill."""

    def __init__(self, folder: Path) -> None:
        (port,) = ports.pick_for_tests(count=1)
        self._folder = folder
        self._valkey = Valkey(folder=folder / "broker", port=port, password=keys.token(), throwaway=True)
        self._valkey.initialise()
        self.start()

    @property
    def url(self) -> str:
        return self._valkey.url

    def start(self) -> None:
        self.process = Child("broker", self._valkey.command(), env=os.environ, folder=self._folder)
        self._valkey.wait_until_ready(timeout_s=10)


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    broker.process.kill()


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
    all_refunded(seconds=30, sweeping=False)
    paid_once(wechat, 10)


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
    own_broker.process.send(signal.SIGSTOP)
    started = time.monotonic()
    till.post_all(sales, clients=3).join(timeout=20)
    assert time.monotonic() - started < 10
    assert till.repeats == 0
    own_broker.process.send(signal.SIGCONT)
    all_refunded(seconds=30, sweeping=False)
    paid_once(wechat, 3)


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
    own_broker.process.send(signal.SIGSTOP)
    try:
        for sale in sales[60:70]:
            till.post(sale)
        frozen = [_took(till, sale) for sale in sales[70:]]
    finally:
        own_broker.process.send(signal.SIGCONT)
    assert till.repeats == 0
    assert sorted(frozen)[28] < sorted(normal)[37] + 0.05


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
        application_password=keys.token(),
        launcher=launcher(),
        throwaway=False,
    )
    cluster.initialise()
    broker = Broker(tmp_path)
    database = Child("postgres", cluster.command(), env=os.environ, folder=tmp_path)
    try:
        cluster.wait_until_ready(timeout_s=20)
        cluster.ensure_database()
        with house(database_url=cluster.url, redis_url=broker.url, folder=tmp_path) as home:
            seed = _run(home, "-m", "tests.faults.seed", str(tmp_path / "account.json"), "60", account=channel_process)
            seeded = json.loads(seed)
            channel_process.control("POST", "/payments", {"payments": seeded["payments"]})
            home.web()
            home.worker()
            home.beat()
            till = Till(home.web_port, seeded["key"])
            posting = till.post_all([Wish(sale) for sale in seeded["sales"]], clients=4)
            wait_until(lambda: len(till.answers) > 15, seconds=20, what="work is under way")
            database.kill()
            time.sleep(0.5)
            cluster.recover_from_kill()
            database = Child("postgres", cluster.command(), env=os.environ, folder=tmp_path)
            cluster.wait_until_ready(timeout_s=20)
            posting.join(timeout=40)
            assert not posting.is_alive()
            wait_until(lambda: len(channel_process.ledger()) == 60, seconds=40, what="all are paid", every_s=0.2)
            paid_once(channel_process, 60)
            assert {len(set(ids)) for ids in till.answers.values()} == {1}
            home.worker()
            _run(home, "manage.py", "check_invariants")
    finally:
        database.kill()
        broker.process.kill()
        channel_process.reset()


def _run(home: House, *argv: str, account: Channel | None = None) -> str:
    """What a command of ours prints, in the house's environment. Raises ``AssertionError`` when it fails."""
    if account is not None:
        (home.folder / "account.json").write_text(json.dumps(account.account))
    done = subprocess.run(
        [sys.executable, *argv], env=home.env({"LOG_LEVEL": "ERROR"}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
