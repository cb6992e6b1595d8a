"""A key that is revoked or stopped is refused by every process of the web within a second, whoever knew it until then."""

from __future__ import annotations

import http.client
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from django.utils import timezone

from merchants import api_keys, mandates
from merchants.models import ApiKey, Merchant, Staff
from merchants.principals import Principal, of_staff
from tests.faults.client import Till
from tests.faults.conftest import till_of
from tests.faults.house import PATIENCE_S, House, wait_until

pytestmark = pytest.mark.faults

_WITHIN_S = 1.0
#: More than one process has threads: both of them know the key.
_CALLERS = 16


def _revoke(key: ApiKey, by: Principal) -> None:
    api_keys.revoke(key=key, by=by, at=timezone.now(), typed_name=key.name)


def _stop(key: ApiKey, by: Principal) -> None:
    api_keys.stop(which=key.merchant, by=by, at=timezone.now())


def _end(key: ApiKey, by: Principal) -> None:
    ended = mandates.read({"expires_at": timezone.now().isoformat()})
    api_keys.set_mandate(key=key, mandate=ended, by=by, at=timezone.now())


@pytest.mark.parametrize("how", [_revoke, _stop, _end])
def test_key_that_is_taken_away_is_refused_by_all_processes_within_a_second(
    home: House, merchant: Merchant, how: Callable[[ApiKey, Principal], None]
) -> None:
    home.web()
    till = till_of(home, merchant)
    owner, key = of_staff(Staff.objects.get(merchant=merchant, role="owner")), ApiKey.objects.get(merchant=merchant)
    told: list[tuple[float, int]] = []
    over = threading.Event()
    callers = [threading.Thread(target=partial(_call_on, till, told, over)) for _ in range(_CALLERS)]
    for one in callers:
        one.start()
    try:
        wait_until(lambda: len(told) > 20 * _CALLERS, seconds=PATIENCE_S, what="all processes know the key")
        before = {status for _, status in told[:]}
        how(key, owner)
        taken_at, so_far = time.monotonic(), len(told)
        wait_until(lambda: len(told) > so_far + 20 * _CALLERS, seconds=PATIENCE_S, what="they are asked on")
        time.sleep(max(0.0, taken_at + 2 * _WITHIN_S - time.monotonic()))
    finally:
        over.set()
        for one in callers:
            one.join()
    late = [(sent_at - taken_at, status) for sent_at, status in told if sent_at > taken_at + _WITHIN_S]
    last = max((sent_at - taken_at for sent_at, status in told if status == 200), default=0.0)
    sys.stdout.write(f"{len(told)} calls; the last that was let through was sent {last:.2f} s after\n")
    assert before == {200}
    assert late
    # Who goes on with a key that is none is slowed down.
    assert {status for _, status in late} <= {401, 403, 429}


def _call_on(till: Till, told: list[tuple[float, int]], over: threading.Event) -> None:
    """Each time by a connection of its own, so that any of the processes may answer."""
    while not over.is_set():
        line = http.client.HTTPConnection("127.0.0.1", till.port, timeout=20)
        sent_at = time.monotonic()
        line.request("GET", "/api/v1/refund-requests?limit=1", headers={"Authorization": f"Bearer {till.key}"})
        told.append((sent_at, line.getresponse().status))
        line.close()
