"""Legs in trouble, one case a test: three in ``make test``, all of them in ``make leg-faults SEED=n``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest
from django.db import connection
from pytest_django import Settings

from core import redis_client
from tests.faults.house import Channel
from tests.faults.legs import CHANNELS, LEASE_S, Case, Play, pairwise, post_office
from tests.faults.one_sweep import Sweeper, sweeper

pytestmark = pytest.mark.faults

_SAMPLE = [
    Case("alipay", "timeout_after_accept", "execution.after_call", "twice", "nobody"),
    Case("wechat", "refused", "none", "late", "move"),
    Case("second part", "closed", "execution.before_commit", "never", "retry"),
]
_SEED = os.environ.get("LEG_FAULTS_SEED", "")
CASES = pairwise(Random(int(_SEED))) if _SEED else _SAMPLE


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Channel]]:
    folder = tmp_path_factory.mktemp("legs")
    channels = {name: Channel(name, folder=folder) for name in CHANNELS}
    yield channels
    for channel in channels.values():
        channel.process.end()


@pytest.fixture(scope="module")
def workers(django_db_setup: None) -> Iterator[Sweeper]:
    env = {
        **os.environ,
        "DATABASE_URL": os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{connection.settings_dict['NAME']}",
        "DATABASE_OWNER_URL": "",
        "EXECUTION_LEASE_S": str(LEASE_S),
        "LOG_LEVEL": "CRITICAL",
    }
    with sweeper(env) as made:
        yield made


@pytest.mark.parametrize("case", CASES, ids=map(str, CASES))
@pytest.mark.usefixtures("transactional_db")
def test_leg_in_trouble_ends_as_its_channel_says(
    case: Case, stand_ins: dict[str, Channel], workers: Sweeper, settings: Settings
) -> None:
    for channel in stand_ins.values():
        channel.reset()
    redis_client.client().flushdb()
    with post_office() as (post, address):
        settings.BASE_URL = address
        settings.EXECUTION_LEASE_S = LEASE_S
        Play(case, stand_ins, post, workers).run()


def test_pairwise_when_all_cases_are_taken_every_two_values_meet() -> None:
    cases = pairwise(Random(1))
    assert {(case.leg, case.fault) for case in cases} == {
        (leg, fault) for leg in {case.leg for case in cases} for fault in {case.fault for case in cases}
    }
    assert pairwise(Random(1)) == cases
    assert len(cases) < 200
