"""The sample data as a whole, with fewer days behind it than the real one."""

from __future__ import annotations

import json
import stat
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from invariants import against_channels, inspection
from merchants import api_keys
from merchants.models import ApiKey, KeyScope, Merchant, Role, Staff
from merchants.principals import of_staff
from refunds.intake import submitting
from refunds.intake.claims import Draft
from refunds.models import Evidence, Notification, OutboxMessage, RefundRequest
from refunds.payouts import loop
from refunds.review import deciding
from refunds.states import Reason, State
from samples.demo import differences, plan
from simulators.kit.testing import RunningSimulator, running_simulator
from terminals.models import Transaction
from tests.factories import of_api_key
from tests.second_factors import code_of

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def wechat_of_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with running_simulator("wechat", tmp_path_factory.mktemp("simulators")) as simulator:
        yield simulator


@pytest.fixture
def folders(
    wechat_of_demo: RunningSimulator, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Path]:
    wechat_of_demo.control("POST", "/reset", {})
    monkeypatch.setattr(plan, "DAYS", 2)
    settings.VAR_DIR = tmp_path
    simulators = Path(wechat_of_demo.account["public_key_path"]).parents[1]
    while not (simulators / "wechat").is_dir():
        simulators = simulators.parent
    return {"demo_json": tmp_path / "demo.json", "simulators": simulators}


def load(folders: dict[str, Path]) -> dict[str, Any]:
    call_command("load_demo", demo_json=str(folders["demo_json"]), simulators=folders["simulators"], stderr=StringIO())
    found: dict[str, Any] = json.loads(folders["demo_json"].read_text())
    return found


def counts() -> list[int]:
    return [model.objects.count() for model in (Merchant, Staff, ApiKey, Transaction, RefundRequest, Evidence)]


def test_load_demo_gives_every_role_of_both_merchants_a_login_and_a_key(folders: dict[str, Path]) -> None:
    demo = load(folders)

    assert stat.S_IMODE(folders["demo_json"].stat().st_mode) == 0o600
    assert {(person["merchant"], person["role"]) for person in demo["staff"]} == {
        (merchant, role) for merchant in ("M001", "M002", "M003") for role in Role.values
    }
    for person in demo["staff"]:
        assert Staff.objects.get(username=person["username"]).check_password(person["password"])
    for merchant in demo["merchants"]:
        client = api_keys.recognise(merchant["api_key"])
        assert client is not None
        assert client.principal.scopes == frozenset(KeyScope.values)
        assert merchant["stores"][0]["terminals"] == sorted(merchant["stores"][0]["terminals"])
    assert {"mchid", "control_url", "merchant_private_key_path", "public_key_path"} <= demo["simulators"][
        "wechat"
    ].keys()


def test_load_demo_tells_a_believable_day_that_breaks_no_invariant(
    folders: dict[str, Path], wechat_of_demo: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All the days on which differences are left: within one alone, at some hours, no refund was paid in time.
    monkeypatch.setattr(plan, "DAYS", 6)
    load(folders)

    for code in ("M001", "M002"):
        states = Counter(RefundRequest.objects.filter(merchant__code=code).values_list("state", flat=True))
        wanted = {State.IN_REVIEW, State.NEEDS_INFO, State.REJECTED, State.CANCELLED, State.APPROVED, State.REFUNDED}
        assert wanted <= states.keys()
    now = timezone.now()
    waiting = RefundRequest.objects.filter(state=State.IN_REVIEW)
    assert waiting.filter(due_at__lt=now).exists()
    assert waiting.exclude(claimed_by=None).exists()
    assert Evidence.objects.count() > 30
    assert not Notification.objects.filter(state="pending").exists()
    assert set(OutboxMessage.objects.filter(state="pending").values_list("topic", flat=True)) == {
        "refund_request.approved",
        "refund_request.waiting_goods",
    }
    assert set(Transaction.objects.values_list("source", flat=True)) == {"demo", "online-retail"}
    assert inspection.check() == []
    rows = wechat_of_demo.control("GET", "/ledger")["rows"]
    portal = [row for row in rows if row["refund_no"].startswith(differences.PORTAL_PREFIX)]
    assert len(portal) == 1
    assert list(against_channels.paid_per_ledger([row for row in rows if row not in portal])) == []
    faults = wechat_of_demo.control("GET", "/faults")["queued"]
    assert [fault["fault"] for fault in faults if fault["operation"] == "bill"] == ["row_missing"]


def test_load_demo_lets_nobody_into_the_third_merchant_by_a_password_alone(folders: dict[str, Path]) -> None:
    demo = load(folders)
    for person in demo["staff"]:
        client = Client()
        answer = client.post("/login", {"username": person["username"], "password": person["password"]})
        asked = answer["Location"] == "/login/second"
        assert asked is (person["merchant"] == "M003") is ("totp_secret" in person), person["username"]
        if asked:
            answer = client.post("/login/second", {"code": code_of(person["totp_secret"])})
        assert answer["Location"] == "/desk/start"
        assert client.get("/desk/start").status_code == 302


def test_load_demo_again_changes_nothing_and_asks_little(
    folders: dict[str, Path], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    first = load(folders)
    before = counts()

    with django_assert_max_num_queries(17):
        again = load(folders)

    assert again == first
    assert counts() == before


def test_load_demo_without_its_file_gives_new_secrets_and_revokes_the_lost_keys(folders: dict[str, Path]) -> None:
    first = load(folders)
    folders["demo_json"].unlink()

    second = load(folders)

    old, new = first["merchants"][0]["api_key"], second["merchants"][0]["api_key"]
    assert api_keys.recognise(old) is None
    assert api_keys.recognise(new) is not None
    person = second["staff"][0]
    assert Staff.objects.get(username=person["username"]).check_password(person["password"])


def test_load_demo_follows_a_stand_in_to_another_address(folders: dict[str, Path], tmp_path: Path) -> None:
    load(folders)
    moved = json.loads((folders["simulators"] / "wechat" / "account.json").read_text())
    (tmp_path / "wechat").mkdir()
    (tmp_path / "wechat" / "account.json").write_text(json.dumps({**moved, "base_url": "http://127.0.0.1:9"}))

    load({**folders, "simulators": tmp_path})

    account = Merchant.objects.get(code="M001").channel_accounts.get(channel="wechat")
    assert (account.base_url, account.revision) == ("http://127.0.0.1:9", 2)


def test_load_demo_without_a_stand_in_says_so_and_stores_nothing(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is the simulator running"):
        load({**folders, "simulators": tmp_path})

    assert not Merchant.objects.exists()


def test_a_small_refund_is_automatic_and_a_larger_one_is_for_the_reviewer(
    folders: dict[str, Path], wechat_of_demo: RunningSimulator
) -> None:
    demo = load(folders)
    for code in ("M001", "M002"):
        merchant = Merchant.objects.get(code=code)
        by = of_api_key(merchant.api_keys.get())
        sale = _sale_of_nobody_known(merchant)

        small = submitting.submit(draft=_draft(sale, 1_200), by=by, at=timezone.now()).request
        large = submitting.submit(draft=_draft(sale, 11_000), by=by, at=timezone.now()).request

        assert [line for line in small.verdict["rules"] if not line["passed"]] == []
        assert (small.state, large.state) == (State.APPROVED, State.IN_REVIEW)
        login = next(p["username"] for p in demo["staff"] if p["merchant"] == code and p["role"] == "reviewer")
        reviewer = Staff.objects.get(username=login)
        approved = deciding.approve(
            request_id=large.pk, by=of_staff(reviewer), at=timezone.now(), version=large.version
        )
        assert approved.state == State.APPROVED
    loop.drain()
    assert not RefundRequest.objects.filter(state=State.APPROVED, amount_fen=1_200).exists()
    assert wechat_of_demo.control("GET", "/ledger")["rows"]


def _sale_of_nobody_known(merchant: Merchant) -> Transaction:
    """A sale to which nothing counts that the demo happens to hold at this hour: of a cashier and a payer of its own."""
    sales = merchant.transaction_set.filter(channel="wechat", reserved_fen=0, amount_fen__gte=12_200)
    sale = sales.latest("paid_at")
    nobody = {"payer_phone": "", "payer_phone_hash": None, "payer_phone_last4_hash": None, "card_last4": ""}
    Transaction.objects.filter(pk=sale.pk).update(cashier="C999", **nobody)
    return sale


def _draft(sale: Transaction, amount_fen: int) -> Draft:
    return Draft(amount_fen=amount_fen, reason=Reason.QUALITY, transaction_id=sale.pk, customer_consent=True)
