"""A house around the test's own database and broker, and one WeChat Pay stand-in for the whole run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from core import redis_client
from invariants import against_channels, leaks
from merchants import api_keys
from merchants.models import KeyScope, Merchant, Staff
from merchants.principals import of_staff
from tests.factories import make_account, make_merchant
from tests.faults.client import PHONE, Till
from tests.faults.house import CHANNEL_TIMEOUT_S, Channel, House, house


@pytest.fixture(scope="session")
def channel_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Channel]:
    channel = Channel("wechat", folder=tmp_path_factory.mktemp("simulator"))
    yield channel
    channel.process.end()


@pytest.fixture
def wechat(channel_process: Channel) -> Iterator[Channel]:
    """The stand-in, emptied. At the end its ledger must agree with what we believe."""
    channel_process.reset()
    yield channel_process
    broken = [f"{breach.code}: {breach.what}" for breach in against_channels.paid_per_ledger(channel_process.ledger())]
    assert not broken, "\n".join(broken)


@pytest.fixture
def houses(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., House]]:
    """Make houses, with settings of their own where wanted; all of them are empty before the database is."""
    url = urlsplit(os.environ["DATABASE_URL"])
    database_url = urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}"))
    with ExitStack() as stack:

        def build(*, redis_url: str = "", **more: str) -> House:
            built = stack.enter_context(
                house(database_url=database_url, redis_url=redis_url or settings.REDIS_URL, folder=tmp_path, **more)
            )
            monkeypatch.setattr(settings, "BASE_URL", built.base_url)
            return built

        redis_client.client().flushdb()
        yield build
    assert not leaked(tmp_path)


def leaked(folder: Path) -> list[str]:
    """I18: where the phone number that tills plant lies in the clear: tables, broker, and the logs in this folder."""
    found = [*leaks.in_database([PHONE]), *leaks.in_broker([PHONE]), *leaks.in_files([PHONE], folder=folder)]
    return [f"{breach.code}: {breach.what}" for breach in found]


@pytest.fixture
def home(houses: Callable[..., House]) -> House:
    """A house without messages to customers."""
    return houses()


@pytest.fixture
def merchant(transactional_db: None, wechat: Channel) -> Merchant:
    """A merchant with an account at the stand-in."""
    merchant = make_merchant()
    make_account(
        merchant, wechat.account, first_query_s=0.05, timeout_s=CHANNEL_TIMEOUT_S, query_lag_s=0, partial_spacing_s=0
    )
    return merchant


@pytest.fixture
def till(home: House, merchant: Merchant) -> Iterator[Till]:
    """A till with a key of the merchant's. At the end what was made must agree with what it was told."""
    made = till_of(home, merchant)
    yield made
    assert not made.disagreements()


def till_of(home: House, merchant: Merchant) -> Till:
    owner = Staff.objects.get(merchant=merchant, role="owner")
    _row, key, _secret = api_keys.issue(
        merchant=merchant,
        name="till",
        scopes=list(KeyScope.values),
        by=of_staff(owner),
        at=timezone.now(),
        rate_limit=10_000_000,
        all_stores=True,
    )
    return Till(home.web_port, key)
