"""Staff are told of trouble once, where they are."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from core import periodic
from core.calendar import SHANGHAI
from core.errors import Forbidden, Invalid
from integrations import alerts
from integrations.addresses import AddressRefused
from integrations.alerts import AlertNotSent, Wanted
from integrations.models import AlertAddress
from invariants import inspection
from invariants.breach import Breach
from merchants import principals
from merchants.models import Merchant, MessageCarrier
from merchants.principals import Principal
from refunds.follow_up import unusual
from refunds.models import RefundRequest
from refunds.payouts import breaker
from tests.factories import make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db
TOKEN = "a" * 64
MAIL = Wanted(kind="email", name="On call", address="oncall@example.com", language="en", events=["channel_down"])


class Group(http.server.BaseHTTPRequestHandler):
    """A robot of each product."""

    said: list[tuple[str, dict[str, object]]] = []
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).said.append((self.path, json.loads(body)))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def group(settings: Settings) -> Iterator[str]:
    Group.said, Group.status = [], 200
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Group)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    settings.ALERT_URLS, settings.WEBHOOKS_TO_LOOPBACK = dict.fromkeys(("dingtalk", "feishu", "wecom"), url), True
    yield url
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _nothing_broken() -> Iterator[None]:
    cache.delete(periodic.INVARIANTS_BROKEN)
    yield
    cache.delete(periodic.INVARIANTS_BROKEN)


def _robot(url: str, **changed: object) -> Wanted:
    address = f"{url}/robot/send?access_token={TOKEN}"
    return replace(MAIL, **{"kind": "dingtalk", "address": address, **changed})  # type: ignore[arg-type]


def test_group_when_a_channel_is_down_is_told_once_until_it_was_well_for_a_while(
    group: str, merchant: Merchant, owner: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_sale(merchant).channel_account
    assert account is not None
    down = {account.pk}
    monkeypatch.setattr(breaker, "down", lambda _accounts: down)
    at = timezone.now()
    alerts.add(wanted=_robot(group, secret="SEC123"), by=owner, at=at)
    assert [alerts.work(at=at + timedelta(minutes=n)) for n in range(3)] == [1, 0, 0]
    ((path, said),) = Group.said
    assert path.startswith(f"/robot/send?access_token={TOKEN}&timestamp=")
    assert "WeChat Pay" in str(said)
    assert "does not answer. Refunds wait" in str(said)
    # Down again before it was well for long is no news; after that it is.
    down.clear()
    alerts.work(at=at + timedelta(minutes=4))
    down.add(account.pk)
    assert alerts.work(at=at + timedelta(minutes=5)) == 0
    down.clear()
    alerts.work(at=at + timedelta(minutes=11))
    down.add(account.pk)
    assert alerts.work(at=at + timedelta(minutes=12)) == 1


@pytest.mark.parametrize(
    ("kind", "path"),
    [("feishu", f"/open-apis/bot/v2/hook/{'b' * 36}"), ("wecom", f"/cgi-bin/webhook/send?key={'c' * 36}")],
)
def test_test_message_when_sent_reaches_the_group(
    group: str, merchant: Merchant, owner: Principal, kind: str, path: str
) -> None:
    at = timezone.now()
    row = alerts.add(wanted=_robot(group, kind=kind, address=f"{group}{path}"), by=owner, at=at)
    alerts.send_test(address_id=row.pk, by=owner, at=at)
    assert [one for one, _ in Group.said] == [path]
    Group.status = 500
    with pytest.raises(AlertNotSent):
        alerts.send_test(address_id=row.pk, by=owner, at=at)
    row.refresh_from_db()
    assert row.last_error == "refused"
    with connection.cursor() as cursor:
        cursor.execute("SELECT address FROM integrations_alertaddress")
        assert path.encode() not in bytes(cursor.fetchone()[0])


@pytest.mark.parametrize(
    "address",
    [
        "https://oapi.dingtalk.com.evil.example/robot/send?access_token=" + TOKEN,
        "http://127.0.0.1:1/robot/send?access_token=" + TOKEN,
        "https://user@oapi.dingtalk.com/robot/send?access_token=" + TOKEN,
        "https://oapi.dingtalk.com/robot/other?access_token=" + TOKEN,
        "https://oapi.dingtalk.com/robot/send?access_token=",
        "https://oapi.dingtalk.com/robot/send?access_token=short",
    ],
)
def test_address_when_it_leads_elsewhere_is_refused(owner: Principal, address: str) -> None:
    with pytest.raises(AddressRefused):
        alerts.add(wanted=_robot("", address=address), by=owner, at=timezone.now())
    assert not AlertAddress.objects.exists()


def test_address_when_the_products_host_leads_inside_is_refused(settings: Settings, owner: Principal) -> None:
    settings.ALERT_URLS = {"dingtalk": "https://localhost"}
    with pytest.raises(AddressRefused, match="public internet"):
        alerts.add(wanted=_robot("https://localhost"), by=owner, at=timezone.now())


@pytest.mark.parametrize(
    "wrong", [{"address": "nobody"}, {"events": []}, {"events": ["no_such"]}, {"name": " "}, {"quiet_from": time(22)}]
)
def test_address_when_incomplete_is_refused(owner: Principal, wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        alerts.add(wanted=replace(MAIL, **wrong), by=owner, at=timezone.now())  # type: ignore[arg-type]
    assert not AlertAddress.objects.exists()


def test_address_when_asked_for_by_finance_is_refused(merchant: Merchant) -> None:
    with pytest.raises(Forbidden):
        alerts.add(wanted=MAIL, by=principals.of_staff(make_staff(merchant, "finance")), at=timezone.now())
    assert not AlertAddress.objects.exists()


def test_every_event_when_it_is_so_is_mailed_in_one_message_each(
    merchant: Merchant, owner: Principal, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    at = timezone.now()
    alerts.add(wanted=replace(MAIL, events=list(alerts.EVENTS)), by=owner, at=at)
    assert alerts.work(at=at) == 0
    requests = [make_request(make_sale(merchant, 50_000), 26_800 + n) for n in range(12)]
    RefundRequest.objects.update(escalated_at=at)
    MessageCarrier.objects.create(merchant=merchant, kind="tencent", failing_since=at - timedelta(minutes=3))
    monkeypatch.setattr(breaker, "down", lambda accounts: set(accounts))
    monkeypatch.setattr(periodic, "seen", lambda: {"refunds.sweep": periodic.Seen(called_s=90, ran_s=90)})
    inspection.report([Breach("I5", "a ledger that does not sum up")])
    monkeypatch.setattr(unusual, "many", lambda **_: [unusual.Many(1, "Hexi", 25, 8.04)])
    monkeypatch.setattr(unusual, "while_shut", lambda **_: [unusual.WhileShut(1, "Hexi", ["RF-1", "RF-2"])])
    cache.delete_many([f"alerts:{name}:{merchant.pk}" for name in ("many-refunds", "while-shut")])
    assert alerts.work(at=at) == 7
    said = {message.subject.rpartition(": ")[2]: message.body for message in mail.outbox}
    assert "and 2 more" in said["A refund was not decided in time"]
    assert requests[0].number in said["A refund was not decided in time"]
    assert "no worker works" in said["The workers stand still"]
    assert "I5" in said["An invariant is broken"]
    assert "Hexi: 25 refunds today, usually 8.0 by this time" in said["Clearly more refunds than usual"]
    assert "Hexi: RF-1, RF-2" in said["Refunds while a store is shut"]
    assert "Tencent" in said["Messages to customers do not go out"]
    assert alerts.work(at=at) == 0


@pytest.mark.parametrize(
    ("hour", "due_in_hours"), [(23, 8), (2, 5), (12, 0)], ids=["before midnight", "after midnight", "by day"]
)
def test_alert_in_quiet_hours_waits_for_their_end(
    merchant: Merchant, owner: Principal, monkeypatch: pytest.MonkeyPatch, hour: int, due_in_hours: int
) -> None:
    at = datetime(2026, 11, 20, hour, tzinfo=SHANGHAI)
    make_sale(merchant)
    monkeypatch.setattr(breaker, "down", lambda accounts: set(accounts))
    alerts.add(wanted=replace(MAIL, quiet_from=time(22), quiet_until=time(7)), by=owner, at=at)
    assert alerts.work(at=at) == (0 if due_in_hours else 1)
    if due_in_hours:
        assert alerts.work(at=at + timedelta(hours=due_in_hours, seconds=-1)) == 0
        assert alerts.work(at=at + timedelta(hours=due_in_hours)) == 1
