"""Who follows by the guide alone and is killed again and again has what the lists have: by feed, by webhooks and by polls."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from dev.embedded import ports
from integrations.models import FeedEvent
from merchants.models import Merchant
from merchants.principals import of_staff
from refunds.models import Execution, RefundRequest
from refunds.review import deciding
from tests.api.conftest import Api, api_for
from tests.factories import make_request, make_staff
from tests.faults import consumer
from tests.faults.house import PATIENCE_S, Channel, Child, House, wait_until
from tests.faults.work import paid_sales

pytestmark = pytest.mark.faults


@dataclass
class Copy:
    """One consumer, its file, and how to start it."""

    argv: list[str]
    file: Path
    folder: Path
    process: Child | None = None

    def start(self) -> None:
        name = f"consumer-{self.argv[2]}"
        self.process = Child(name, self.argv, env={}, folder=self.folder)

    def kill(self) -> None:
        if self.process is not None:
            assert self.process.exit_code is None, self.process.log.read_text()
            self.process.kill()
            self.process = None

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(consumer.opened(str(self.file))) as copy, copy:
            return copy.execute(sql).fetchall()

    def things(self, kind: str) -> dict[str, Any]:
        return {pk: json.loads(text) for pk, text in self.rows(f"SELECT id, json FROM thing WHERE kind = '{kind}'")}

    def agrees(self, there: dict[str, dict[str, Any]]) -> bool:
        return {kind: self.things(kind) for kind in there} == there

    def know(self, secret: str) -> None:
        with closing(consumer.opened(str(self.file))) as copy, copy:
            copy.execute("INSERT INTO secret VALUES (?)", (secret,))


@contextmanager
def _copies(home: House, api: Api, folder: Path, port: int) -> Iterator[dict[str, Copy]]:
    made = {}
    for how in ("feed", "copy", "hook"):
        file = folder / f"{how}.sqlite"
        argv = [sys.executable, consumer.__file__, how, str(file), home.base_url, api.key, str(port)]
        made[how] = Copy(argv, file, folder)
    try:
        yield made
    finally:
        for one in made.values():
            if one.process is not None:
                one.process.kill()


@pytest.mark.long
@pytest.mark.parametrize("kills", [4, 20])
def test_consumers_killed_at_any_moment_have_what_the_lists_have(
    houses: Callable[..., House],
    merchant: Merchant,
    wechat: Channel,
    tmp_path: Path,
    settings: Settings,
    kills: int,
) -> None:
    settings.WEBHOOKS_TO_LOOPBACK, settings.API_RATE_PER_10S = True, 10_000_000
    home = houses(WEBHOOKS_TO_LOOPBACK="true")
    home.web()
    home.worker()
    home.beat()
    api, reviewer, dice = api_for(merchant), of_staff(make_staff(merchant, "manager")), random.Random(1)
    (port,) = ports.pick_for_tests(count=1)
    began = timezone.now()
    made = api.post("webhook-endpoints", {"url": f"http://127.0.0.1:{port}/"})
    assert made.status_code == 201, made.content
    hook = f"webhook-endpoints/{made.json()['id']}"
    sales = paid_sales(merchant, wechat, kills, amount_fen=50_000)
    with _copies(home, api, tmp_path, port) as copies:
        copies["hook"].know(made.json()["secret"])
        for number, sale in enumerate(sales):
            for one in copies.values():
                one.kill()
                one.start()
            if number == kills // 2:
                # From now on both sign. Who has not taken in the new one yet still knows the old one.
                copies["hook"].know(api.post(f"{hook}/rotate", {"overlap": "1h"}).json()["secret"])
            if number % 2:
                make_request(sale, 1_200)
            else:
                asked = make_request(sale, 26_800)
                time.sleep(dice.random() / 4)
                _decide(asked, dice, by=reviewer)
            time.sleep(dice.random() / 2)
        wait_until(_at_rest, seconds=PATIENCE_S, what="every refund has come to its end")
        for again in (False, True):
            answer = api.post(f"{hook}/recover", {"since": began.isoformat(), "delivered_too": again})
            assert answer.status_code == 200, answer.content
        wait_until(
            lambda: api.get(f"{hook}/deliveries", status="pending").json()["results"] == [],
            seconds=3 * PATIENCE_S,
            what="all that was missed has arrived",
        )
        there = {kind: _listed(home, api, kind) for kind in consumer.FIELDS}
        assert len(there[consumer.REFUNDS]) == len(sales)
        for how, one in copies.items():
            wait_until(partial(one.agrees, there), seconds=PATIENCE_S, what=f"{how} has what the lists have")
            assert one.process is not None
            assert one.process.exit_code is None, one.process.log.read_text()
        # The lists agree before the last event is numbered, and what was sent again is on its way a moment more: how many there
        # are is asked at each look.
        wait_until(lambda: _heard(copies, "feed").keys() >= _events(), seconds=PATIENCE_S, what="the feed is read")
        wait_until(
            lambda: _came_again(_heard(copies, "hook"), _events()),
            seconds=PATIENCE_S,
            what="all came, some of it again",
        )
        # What is kept with its place in one transaction is read once, wherever it was killed.
        heard = _heard(copies, "feed")
        assert heard == dict.fromkeys(heard, 1)
        assert heard.keys() <= _events()


def _events() -> set[str]:
    """All that the feed has by now."""
    return {f"evt_{pk}" for pk in FeedEvent.objects.values_list("pk", flat=True)}


def _heard(copies: Mapping[str, Any], how: str) -> dict[str, int]:
    """How often each event was heard in this way."""
    return dict(copies[how].rows("SELECT id, times FROM heard"))


def _came_again(heard: Mapping[str, int], ids: set[str]) -> bool:
    return heard.keys() >= ids and max(heard.values()) > 1


def _decide(request: RefundRequest, dice: random.Random, *, by: Any) -> None:
    seen: dict[str, Any] = {"request_id": request.pk, "by": by, "at": timezone.now(), "version": request.version}
    if dice.random() < 0.3:
        deciding.reject(**seen, reason="not_covered", message="No.")
    else:
        deciding.approve(**seen)


def _at_rest() -> bool:
    # A channel that was asked before it had settled is asked again after a minute, as long as this test waits.
    Execution.objects.filter(state="processing").update(due_at=timezone.now())
    return not RefundRequest.objects.exclude(state__in=("refunded", "rejected")).exists()


def _listed(home: House, api: Api, kind: str) -> dict[str, Any]:
    """All of a list, page by page."""
    found: dict[str, Any] = {}
    path = f"/api/v1/{kind}?limit=7&fields={consumer.FIELDS[kind]}"
    while path:
        page, _ = consumer.call(home.base_url, api.key, path)
        found |= {row["id"]: row for row in page["results"]}
        path = page["next"] and page["next"].removeprefix(home.base_url)
    return found
