"""Every act of the sandbox and the page for developers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.test import override_settings
from django.utils import timezone

from core.audit.models import AuditEvent
from integrations import request_log, sandbox
from merchants.models import ApiKey, Merchant, Role
from merchants.principals import of_staff
from refunds.intake import batches
from tests.walk.cases import case
from tests.walk.stage import Stage, text_of

_PAGE, _KEYS = "/desk/developers", "/api/v1/sandbox/keys"


@contextmanager
def _stand_ins(stage: Stage) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "wechat").mkdir()
        (Path(folder) / "wechat" / "account.json").write_text(json.dumps(stage.wechat.account))
        with override_settings(STAND_INS_DIR=folder):
            yield


def sandbox_key(stage: Stage) -> ApiKey:
    """The stage's calls are its sandbox's from now on."""
    with _stand_ins(stage):
        row, stage.key = sandbox.issue(name="vendor", by=of_staff(stage.person(Role.OWNER)), at=timezone.now())
    return row


def _paid(stage: Stage) -> Any:
    with _stand_ins(stage):
        return stage.call("POST", "test/payments", {"channel": "wechat", "amount_fen": 50_000}, expect=201)


@case("GET", _PAGE)
def developers(stage: Stage) -> None:
    stage.call("GET", "policy")
    stage.call("GET", "transactions/00000000-0000-0000-0000-000000000000", expect=404)
    request_log.flush()
    page = stage.get(Role.MANAGER, _PAGE)
    assert "transactions/{transaction_id}" in page
    assert "not_found" in page
    sandbox_key(stage)
    assert "vendor" in stage.get(Role.OWNER, _PAGE, mode="test")


@case("POST", _PAGE)
def make_key_at_the_desk(stage: Stage) -> None:
    with _stand_ins(stage):
        page = text_of(stage.post(Role.OWNER, f"{_PAGE}?mode=test", name="vendor", expect=200))
    assert "rd_test_" in page
    assert Merchant.objects.filter(sandbox_of=stage.merchant).count() == 1


@case("POST", f"{_PAGE}/clock")
def move_the_clock_at_the_desk(stage: Stage) -> None:
    sandbox_key(stage)
    stage.post(Role.OWNER, f"{_PAGE}/clock", advance="P3D")
    twin = Merchant.objects.get(sandbox_of=stage.merchant)
    assert twin.clock_target_at is not None


@case("POST", f"{_PAGE}/test-keys/<int:key_id>/revoke")
def revoke_at_the_desk(stage: Stage) -> None:
    row = sandbox_key(stage)
    stage.post(Role.OWNER, f"{_PAGE}/test-keys/{row.pk}/revoke")
    row.refresh_from_db()
    assert row.revoked_at is not None


@case("GET", _KEYS)
def keys(stage: Stage) -> None:
    row = sandbox_key(stage)
    found = stage.call_as(Role.OWNER, "sandbox/keys", {}, method="GET")
    assert [one["prefix"] for one in found["results"]] == [row.prefix]


@case("POST", _KEYS)
def make_key(stage: Stage) -> None:
    with _stand_ins(stage):
        made = stage.call_as(Role.OWNER, "sandbox/keys", {"name": "vendor"}, expect=201)
    assert made["key"].startswith("rd_test_")


@case("GET", "/api/v1/test/clock")
def clock(stage: Stage) -> None:
    sandbox_key(stage)
    assert stage.call("GET", "test/clock")["ahead_s"] == 0


@case("POST", "/api/v1/test/clock")
def advance(stage: Stage) -> None:
    sandbox_key(stage)
    stand = stage.call("POST", "test/clock", {"advance": "PT72H"})
    assert (stand["target_at"], abs(stand["ahead_s"] - 72 * 3_600) < 60) == (None, True)


@case("POST", "/api/v1/test/payments")
def pay(stage: Stage) -> None:
    sandbox_key(stage)
    assert _paid(stage)["refundable_fen"] == 50_000


@case("POST", "/api/v1/test/refund-requests/<id:request_id>/outcome")
def decide(stage: Stage) -> None:
    sandbox_key(stage)
    asked = {"transaction": _paid(stage)["id"], "amount_fen": 45_000, "reason": "quality", "customer_consent": True}
    made = stage.call("POST", "refund-requests", asked, expect=201)
    assert made["state"] == "in_review"
    decided = stage.call("POST", f"test/refund-requests/{made['id']}/outcome", {"outcome": "rejected"})
    assert decided["state"] == "rejected"


@case("POST", "/api/v1/test/refund-batches/<int:batch_id>/confirm")
def confirm_batch(stage: Stage) -> None:
    sandbox_key(stage)
    row = {"transaction": _paid(stage)["id"], "amount_fen": 1_200, "reason": "quality", "customer_consent": True}
    filed = stage.call("POST", "refund-batches", {"rows": [row]}, expect=201)
    batches.work()
    stage.call("POST", f"refund-batches/{filed['id']}/confirm", {}, expect=403)
    confirmed = stage.call("POST", f"test/refund-batches/{filed['id']}/confirm", {"window_minutes": 0})
    assert (confirmed["state"], confirmed["confirmed_by"]) == ("confirmed", "Sandbox 1")
    batches.work()
    ended = stage.call("GET", f"refund-batches/{filed['id']}")
    assert (ended["state"], ended["result"]["taken"]["rows"]) == ("done", 1)


@case("POST", "/api/v1/test/events")
def event(stage: Stage) -> None:
    sandbox_key(stage)
    sale = _paid(stage)
    stage.call("POST", "test/events", {"type": "transaction.created"})
    assert AuditEvent.objects.get(action=sandbox.EVENT).object_id == sale["id"]
