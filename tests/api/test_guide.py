"""The guide's commands and programs are run as they are printed, and its examples are sent."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer
from standardwebhooks.webhooks import Webhook

from api.description import BODIES, TABLES, guide
from integrations import delivering
from merchants import policies
from merchants.models import ChannelAccount
from refunds.intake import batches
from refunds.models import Evidence, RefundBatchRow, RefundRequest
from refunds.payouts.loop import drain
from samples.demo import rules as sample
from simulators.kit.testing import RunningSimulator
from terminals.models import Transaction
from tests import pictures
from tests.api.conftest import Api, api_for, session_for
from tests.factories import make_account, make_merchant, make_request, make_sale, make_staff
from tests.integrations.rig import SECRET, tell

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)


def _blocks(language: str, kind: str) -> list[str]:
    return [text for found, text in _BLOCK.findall(guide(language=language)) if found == kind]


@pytest.fixture
def worker() -> Iterator[None]:
    """Pays out what is due and calls webhooks, as a worker does."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            drain()
            delivering.work(clock=timezone.now)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("worker")
def test_who_reads_nothing_but_the_page_gets_to_a_paid_refund(
    live_server: LiveServer, settings: Settings, tmp_path: Path, wechat: RunningSimulator
) -> None:
    settings.VAR_DIR = tmp_path
    api = _shop()
    make_account(api.merchant, wechat.account)
    (tmp_path / "picture.jpg").write_bytes(pictures.encoded())
    page = Client().get("/api/docs.md").content.decode()
    first, *commands = [text for kind, text in _BLOCK.findall(page) if kind == "sh"]
    assert re.findall(r"^(\w+)=", first, re.M) == ["BASE", "KEY", "WECHAT"]
    known = [f"BASE={live_server.url}", f"KEY={api.key}", "WECHAT=" + wechat.account["control_url"]]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join([*known, *commands])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sale, paid = Transaction.objects.order_by("channel")
    request, refund = (RefundRequest.objects.get(transaction=one) for one in (sale, paid))
    assert (sale.amount_fen, request.transaction_id, request.amount_fen) == (33_980, sale.pk, 26_800)
    assert (request.state, Evidence.objects.count()) == ("cancelled", 1)
    assert f"{request.pk}\n" in done.stdout
    assert done.stdout.count(f'"order_no":"{sale.order_no}"') >= 4
    assert re.search("paid back: (refunded|follow_up|closed)\n", done.stdout), done.stdout[-9000:]
    assert refund.amount_fen == 1_200
    assert [row["amount_fen"] for row in wechat.control("GET", "/ledger")["rows"]] == [1_200]


@pytest.mark.django_db(transaction=True)
def test_the_guides_program_repeats_safely(live_server: LiveServer) -> None:
    api, names = _shop(), {"BASE": live_server.url}
    for text in _blocks("en", "python"):
        exec(compile(text, "guide", "exec"), names)  # noqa: S102 - it is ours, and this is what it is for
    names["KEY"] = api.key
    call: Any = names["call"]
    sale = make_sale(api.merchant)
    body = {"transaction": str(sale.pk), "amount_fen": 100, "reason": "quality"}
    first = call("POST", "/api/v1/refund-requests", body, idempotency_key="k")
    assert call("POST", "/api/v1/refund-requests", body, idempotency_key="k") == first
    assert call("GET", f"/api/v1/refund-requests/{first['id']}")["number"] == first["number"]
    with pytest.raises(RuntimeError, match="idempotency_key_reused"):
        call("POST", "/api/v1/refund-requests", {**body, "amount_fen": 1}, idempotency_key="k")
    events = [tell(api.merchant).sequence for _ in range(3)]
    seen: list[Any] = []
    follow: Any = names["follow"]
    cursor = follow(None, seen.append, wait=0)
    assert [one["sequence"] for one in seen] == events
    assert follow(cursor, seen.append, wait=0) == cursor
    assert len(seen) == 3


def test_the_guides_program_takes_a_genuine_webhook_and_no_other() -> None:
    names: dict[str, Any] = {}
    for text in _blocks("en", "python")[:2]:
        exec(compile(text, "guide", "exec"), names)  # noqa: S102 - it is ours, and this is what it is for
    now, body = timezone.now(), b'{"id":"evt_1"}'
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(int(now.timestamp()))}
    old = Webhook("whsec_b2xkb2xkb2xk").sign("evt_1", now, body.decode())
    headers["webhook-signature"] = f"{old} {Webhook(SECRET).sign('evt_1', now, body.decode())}"
    genuine: Any = names["is_genuine"]
    assert genuine(headers, body, SECRET)
    assert not genuine(headers, body + b" ", SECRET)
    assert not genuine({**headers, "webhook-id": "evt_2"}, body, SECRET)
    assert not genuine({**headers, "webhook-timestamp": str(int(now.timestamp()) - 600)}, body, SECRET)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("worker")
def test_who_reads_nothing_but_the_page_gets_to_a_verified_webhook(live_server: LiveServer, settings: Settings) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    names: dict[str, Any] = {"BASE": live_server.url, "KEY": _shop().key}
    page = Client().get("/api/docs.md").content.decode()
    for kind, text in _BLOCK.findall(page):
        if kind == "python":
            exec(compile(text, "guide", "exec"), names)  # noqa: S102 - it is ours, and this is what it is for
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    first: Any = names["first_webhook"]
    assert first(port)["type"] == "webhook.test"


def test_the_printed_signature_is_that_of_its_parts() -> None:
    text = "\n".join(_blocks("en", "python"))
    parts = b'r-1.1795500000.POST./api/v1/refund-quotes.{"amount_fen":1}'
    expected = hmac.new(b"0123456789abcdef", parts, hashlib.sha256).hexdigest()
    assert f"v1={expected}" in text


def test_both_languages_have_the_same_commands_and_tables() -> None:
    english, chinese = guide(language="en"), guide(language="zh-hans")
    assert _BLOCK.findall(english) == _BLOCK.findall(chinese)
    assert english.count("\n## ") == chinese.count("\n## ")
    for word in re.findall(r"`([a-z_]+)`", english):
        assert f"`{word}`" in chinese, word


@pytest.mark.django_db
def test_every_example_is_taken(api: Api) -> None:
    make_sale(api.merchant)
    names = {
        operation["operationId"]: path
        for path, item in _schema()["paths"].items()
        for operation in item.values()
        if isinstance(operation, dict)
    }
    assert BODIES.keys() <= names.keys()
    sent = [
        *((api, name, body) for name in ("report_transaction", "quote_refund") for body in BODIES[name].values()),
        (api, "submit_refund_request", BODIES["submit_refund_request"]["An article"]),
    ]
    for who, name, body in sent:
        answer = who.post(names[name].removeprefix("/api/v1/"), body)
        assert answer.status_code in (200, 201), (name, answer.content)
    assert TABLES.keys() <= names.keys()
    (filed,) = BODIES["file_refund_batch"].values()
    for body, media in ((filed, "application/json"), (TABLES["file_refund_batch"], "text/csv")):
        headers = {"Authorization": f"Bearer {api.key}", "Idempotency-Key": media}
        answer = Client().post(names["file_refund_batch"], body, content_type=media, headers=headers)
        assert (answer.status_code, answer.json()["kind"]) == (201, "refunds"), answer.content
    batches.work()
    # They can be read; what is wrong with them is that the sale is asked for above, and that there is no other.
    assert set(RefundBatchRow.objects.values_list("code", flat=True)) == {"exceeds_refundable", "transaction_not_found"}
    for name, bodies in BODIES.items():
        for body in bodies.values():
            if "{request_id}" in names[name]:
                _decide(api, names[name], body)


def _decide(api: Api, path: str, body: dict[str, Any]) -> None:
    request = make_request(make_sale(api.merchant, 50_000), 26_800, by=api.by)
    reviewer = session_for(make_staff(api.merchant, "reviewer"))
    path = path.removeprefix("/api/v1/").replace("{request_id}", str(request.pk))
    by_key = path.endswith(("cancel", "resubmit"))
    if path.endswith("resubmit"):
        reviewer.post(path.replace("resubmit", "request-info"), {"version": 3, "message": "?"})
    answer = (api if by_key else reviewer).post(path, body)
    assert answer.status_code == 200, (path, answer.content)


@pytest.mark.django_db
def test_the_description_is_complete_and_speaks_the_readers_language() -> None:
    schema = _schema()
    assert schema["info"]["description"].startswith("A terminal")
    assert settings.BASE_URL in schema["info"]["description"]
    assert _schema("zh-Hans")["info"]["description"].startswith("收银机")
    assert len(schema["tags"]) >= 6
    used = {tag for item in schema["paths"].values() for operation in item.values() for tag in operation["tags"]}
    assert used == {tag["name"] for tag in schema["tags"]}
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert operation["operationId"], where
            by_key = {"apiKey": []} in operation["security"]
            assert by_key is ("Needs the scope `" in operation["description"]), where
            assert 4 < len(operation["summary"]) < 80, where
            for status, answer in operation["responses"].items():
                media = list(answer.get("content", ["application/json"] if status == "204" else ()))
                assert media == (["application/problem+json"] if status >= "4" else ["application/json"]), where
                if status >= "4":
                    assert answer["content"]["application/problem+json"]["example"]["status"] == int(status), where
            if method == "post" and "requestBody" in operation:
                content = operation["requestBody"]["content"]
                (form,) = (said for media, said in content.items() if media != "text/csv")
                name = form["schema"]["$ref"].rsplit("/", 1)[1]
                assert schema["components"]["schemas"][name]["additionalProperties"] is False, where


@pytest.mark.django_db
def test_no_name_in_the_description_is_made_up(capfd: pytest.CaptureFixture[str]) -> None:
    names = _schema()["components"]["schemas"]
    assert capfd.readouterr().err == ""
    assert [name for name in names if re.search(r"[0-9a-f]{3}Enum$", name)] == []


def _schema(language: str = "en") -> dict[str, Any]:
    answer = Client().get("/api/schema", headers={"Accept": "application/json", "Accept-Language": language})
    found: dict[str, Any] = json.loads(answer.content)
    return found


def _shop() -> Api:
    """A shop with the sample rules, so that the guide's refund waits for a person."""
    merchant = make_merchant(rules=sample.RETAIL)
    assert policies.rules_of(merchant.policy_versions.get().pk).auto_approve_limit_fen < 26_800
    ChannelAccount.objects.create(
        merchant=merchant, channel="alipay", code="ali", base_url="http://127.0.0.1:9", profile_overrides={}
    )
    return api_for(merchant)
