"""What runs without a browser, under the login of production: beat's tasks and the operator's commands, with something to do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings
from django.core import mail
from django.core.management import call_command, get_commands
from django.utils import timezone

from analytics.models import ShadowVerdict, TrialState
from analytics.trials import running, shadow
from clients import verify
from core.audit import checkpoints, keys
from core.audit.models import AuditCheckpoint, AuditEvent, AuditLink
from integrations.models import FeedEvent
from merchants import policies
from merchants.models import ChannelAccount, Merchant, Role, Staff
from merchants.policies import drafting
from merchants.principals import of_staff
from reconciliation.models import Bill
from refunds.follow_up import survey
from refunds.intake import batches
from refunds.models import Execution, GoodsReturn, ListExport, Notification, RefundRequest, ReviewSettings
from refunds.review import exporting, presence
from refunds.states import State
from simulators.kit.testing import RunningSimulator
from terminals.models import Transaction
from tests.factories import BESIDE_S, make_request, seal_events
from tests.integrations.rig import tell
from tests.reconciliation.world import DAY, counts
from tests.refunds.plans import WIDE
from tests.walk.roles import login_of_production
from tests.walk.sandbox_cases import sandbox_key
from tests.walk.stage import Stage, fresh, raw_statement, text_of

pytestmark = pytest.mark.django_db

__all__ = ["login_of_production"]

_EXCERPT = Path(settings.BASE_DIR) / "data" / "online-retail-excerpt.csv"
#: Commands that do nothing here, or are another login's.
_NOT_WALKED = {
    "migrate": "the owner of the tables runs it, not the application",
    "raise_tenant_wall": "the owner of the tables runs it, not the application",
    "load_demo": "tests/samples/demo runs it: it needs three channels and a minute",
    "replay_returns": "a client of the API, without a database",
    "rights": "prints the code",
    "load_scale": "for measuring only: tests/samples/demo runs it",
    "verify_audit": "tests/core/management/commands/test_verify_audit.py runs it: what it looks at has to be sealed",
    "begin_audit_heads": "tests/core/management/commands/test_begin_audit_heads.py runs it",
    "states": "prints the code",
}


@pytest.fixture
def stage(login_of_production: None, wechat_process: RunningSimulator) -> Stage:
    wechat_process.control("POST", "/reset", {})
    wechat_process.control("DELETE", "/faults")
    return Stage(wechat_process)


# --- beat -------------------------------------------------------------------------------------------------------------


def _sweep(stage: Stage, run: Callable[[], object]) -> None:
    request, waiting = stage.approved(), stage.in_review()
    run()
    assert fresh(request).state in {State.EXECUTING, State.REFUNDED, State.UNKNOWN}
    assert Notification.objects.filter(request=waiting).exists()


def _seal(stage: Stage, run: Callable[[], object]) -> None:
    stage.in_review()
    # Transactions of other databases on the server hold the sealer back while they are open.
    until = time.monotonic() + BESIDE_S
    while AuditLink.objects.count() < AuditEvent.objects.count() and time.monotonic() < until:
        run()
    assert AuditLink.objects.count() == AuditEvent.objects.count() > 0


def _second_legs(stage: Stage, run: Callable[[], object]) -> None:
    request = stage.paid()
    due = Execution.objects.filter(request=request)
    due.update(second_leg="pending", second_leg_due_at=timezone.now())
    run()
    # WeChat Pay knows no way from itself to a bank: what it paid has arrived.
    assert (due.get().second_leg, due.get().second_leg_due_at) == ("", None)


def _arrivals(stage: Stage, run: Callable[[], object]) -> None:
    ChannelAccount.objects.update(measured={"arrival_seen": {"debit_card": [9, 9]}})
    run()
    # A single refund is no history.
    assert set(ChannelAccount.objects.values_list("measured__arrival_seen", flat=True)) == {None}


def _batches(stage: Stage, run: Callable[[], object]) -> None:
    batch, by = stage.batch(), of_staff(stage.person(Role.OWNER))
    batches.confirm(batch_id=batch.pk, by=by, at=timezone.now(), window=timedelta(0))
    run()
    assert batch.rows.get().request is not None


def _assign(stage: Stage, run: Callable[[], object]) -> None:
    request, reviewer = stage.in_review(), stage.person(Role.REVIEWER)
    ReviewSettings.objects.create(merchant=stage.merchant, assigns=True)
    presence.come(reviewer.pk)
    run()
    assert fresh(request).claimed_by_id == reviewer.pk


def _escalate(stage: Stage, run: Callable[[], object]) -> None:
    request = stage.in_review()
    RefundRequest.objects.filter(pk=request.pk).update(due_at=timezone.now())
    late = stage.asked_for_goods()
    GoodsReturn.objects.filter(request=late).update(due_at=timezone.now())
    run()
    assert fresh(request).escalated_at is not None
    assert late.goods_returns.get().state == "not_come"


def _verify(stage: Stage, run: Callable[[], object]) -> None:
    rules, by = {**WIDE, "confirm_payment_above_fen": 1_000}, of_staff(stage.person(Role.OWNER))
    policies.publish(merchant=stage.merchant, name="ask first", rules=rules, by=by, at=stage.now())
    request = make_request(stage.sale(), 1_200)
    assert request.state == State.VERIFYING
    run()
    assert fresh(request).state == State.APPROVED


def _reconcile(stage: Stage, run: Callable[[], object]) -> None:
    stage.moved_on_the_day()
    # As before anybody asked for the day: beat's own plan finds it.
    stage.day.delete()
    run()
    assert counts(stage.day) == {"matched": 1}


def _exports(stage: Stage, run: Callable[[], object]) -> None:
    stage.paid()
    by = of_staff(stage.person(Role.FINANCE))
    exporting.ask(page="refunds", query="", form="xlsx", language="en", by=by, at=stage.now())
    run()
    assert ListExport.objects.get().state == "ready"


def _policy_trials(stage: Stage, run: Callable[[], object]) -> None:
    by, now = of_staff(stage.person(Role.OWNER)), timezone.now()
    draft = drafting.start(by=by, at=now)
    shadow.start(draft_id=draft.pk, days=1, by=by, at=now - timedelta(hours=1))
    stage.in_review()
    RefundRequest.objects.update(created_at=now - timedelta(minutes=1))
    run()
    assert ShadowVerdict.objects.exists()


def _forget(_stage: Stage, run: Callable[[], object]) -> None:
    run()


def _forget_events(stage: Stage, run: Callable[[], object]) -> None:
    tell(stage.merchant, created_at=timezone.now() - timedelta(days=91))
    kept = tell(stage.merchant)
    run()
    assert FeedEvent.objects.get() == kept


def _erase(stage: Stage, run: Callable[[], object]) -> None:
    request = stage.paid()
    for days in (2, 40):
        survey.work(at=timezone.now() + timedelta(days=days))
    RefundRequest.objects.update(created_at=timezone.now() - timedelta(days=1100))
    run()
    assert (fresh(request).customer_name, fresh(request).amount_fen) == ("", request.amount_fen)


def _checkpoints(stage: Stage, run: Callable[[], object]) -> None:
    """What is sealed is signed, and its holder finds nothing."""
    stage.paid()
    seal_events()
    run()
    chain = list(checkpoints.given_out(merchant_id=stage.merchant.pk))
    key = checkpoints.public_key(keys.ring().current)
    assert verify.faults(key=key, older=chain[-1], chain=chain, now=timezone.now()) == []


def _mail_checkpoints(stage: Stage, run: Callable[[], object]) -> None:
    Merchant.objects.update(checkpoints_to="auditor@example.com")
    stage.in_review()
    AuditCheckpoint.objects.create(
        merchant_id=stage.merchant.pk, seq=0, body="{}", signatures={}, key_id="-", at=timezone.now()
    )
    run()
    run()
    (sent,) = mail.outbox
    assert (sent.to, '"body":"{}"' in sent.body) == (["auditor@example.com"], True)


def _check(stage: Stage, run: Callable[[], object]) -> None:
    stage.paid()
    run()


def _sandboxes(stage: Stage, run: Callable[[], object]) -> None:
    """A sandbox whose clock was on its way when its process died comes to where it was going."""
    sandbox_key(stage)
    twin = Merchant.objects.get(sandbox_of=stage.merchant)
    Merchant.objects.filter(pk=twin.pk).update(clock_target_at=timezone.now() + timedelta(hours=2))
    run()
    twin.refresh_from_db()
    assert (twin.clock_target_at, twin.clock_ahead > timedelta(minutes=119)) == (None, True)


_TASKS = {
    "refunds.sweep": _sweep,
    "core.seal_audit": _seal,
    "core.audit_checkpoints": _checkpoints,
    "refunds.mail_checkpoints": _mail_checkpoints,
    "refunds.second_legs": _second_legs,
    "refunds.arrivals": _arrivals,
    "refunds.batches": _batches,
    "desk.exports": _exports,
    "refunds.assign": _assign,
    "refunds.escalate": _escalate,
    "refunds.verify": _verify,
    # Its work is a command, walked below.
    "refunds.verify_audit": _forget,
    "refunds.policy_trials": _policy_trials,
    "refunds.reconcile": _reconcile,
    "refunds.forget_answers": _forget,
    "integrations.sandboxes": _sandboxes,
    "integrations.forget_old": _forget_events,
    "refunds.erase_expired": _erase,
    "refunds.check_invariants": _check,
    "refunds.check_everything": _check,
}


def test_every_task_of_beat_is_walked() -> None:
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= set(_TASKS)


#: What is sealed has to be committed first.
_COMMITS = {name: [pytest.mark.django_db(transaction=True)] for name in ("core.seal_audit", "core.audit_checkpoints")}


@pytest.mark.parametrize("name", [pytest.param(name, marks=_COMMITS.get(name, ())) for name in sorted(_TASKS)])
def test_task_does_its_work_under_the_login_of_production(
    stage: Stage, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    current_app.loader.import_default_modules()
    _TASKS[name](stage, current_app.tasks[name])
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


# --- commands ---------------------------------------------------------------------------------------------------------


def _download_bills(stage: Stage, _folder: Path) -> None:
    stage.moved_on_the_day()
    call_command("download_bills", account=stage.account.code, date=DAY, stdout=StringIO())
    assert counts(stage.day) == {"matched": 1}


def _import_bill(stage: Stage, folder: Path) -> None:
    stage.moved_on_the_day()
    file = folder / "bill.csv"
    file.write_bytes(raw_statement(stage.account))
    by = stage.person(Role.FINANCE).username
    call_command("import_bill", stage.account.code, DAY.isoformat(), str(file), by=by, stdout=StringIO())
    assert (counts(stage.day), Bill.objects.count()) == ({"matched": 1}, 1)


def _check_invariants(stage: Stage, _folder: Path) -> None:
    stage.paid()
    call_command("check_invariants", stdout=StringIO())


def _load_retail(stage: Stage, folder: Path) -> None:
    file = folder / "retail.csv"
    file.write_text("\n".join(_EXCERPT.read_text(encoding="utf-8").splitlines()[:60]), encoding="utf-8")
    before = Transaction.objects.count()
    call_command("load_retail", str(file), merchant=stage.merchant.code, stdout=StringIO())
    assert Transaction.objects.count() > before


def _set_credentials(stage: Stage, folder: Path) -> None:
    file = folder / "credentials.json"
    file.write_text(json.dumps({"merchant_serial": "7F" * 20}))
    call_command(
        "set_credentials", stage.account.code, str(file), by=stage.person(Role.OWNER).username, stdout=StringIO()
    )
    before = stage.account.revision
    stage.account.refresh_from_db(fields=["revision"])
    assert stage.account.revision > before


def _try_policies(stage: Stage, _folder: Path) -> None:
    by, now = of_staff(stage.person(Role.OWNER)), timezone.now()
    stage.in_review()
    draft = drafting.start(by=by, at=now)
    since, until = now - timedelta(days=1), timezone.now()
    trial = running.start(draft_id=draft.pk, since=since, until=until, by=by, at=until)
    call_command("try_policies", stdout=StringIO())
    trial.refresh_from_db()
    assert (trial.state, trial.done) == (TrialState.DONE, trial.total)


def _rejudge(stage: Stage, _folder: Path) -> None:
    stage.in_review()
    said = StringIO()
    call_command("rejudge", stdout=said)
    assert said.getvalue()


def _create_merchant(stage: Stage, _folder: Path) -> None:
    said = StringIO()
    call_command("create_merchant", "M900", owner="沈岚", stdout=said)
    *_, link = said.getvalue().splitlines()
    assert Staff.objects.get(merchant__code="M900").username in text_of(
        stage.nobody().get(link[link.index("/join/") :])
    )


_COMMANDS = {
    "create_merchant": _create_merchant,
    "rejudge": _rejudge,
    "try_policies": _try_policies,
    "download_bills": _download_bills,
    "import_bill": _import_bill,
    "check_invariants": _check_invariants,
    "load_retail": _load_retail,
    "set_credentials": _set_credentials,
}


def test_every_command_of_ours_is_walked_or_says_why_not() -> None:
    ours = {name for name, app in get_commands().items() if app in {"core", "merchants", "terminals", "refunds"}}
    assert ours - set(_COMMANDS) <= set(_NOT_WALKED)


@pytest.mark.parametrize("name", sorted(_COMMANDS))
def test_command_does_its_work_under_the_login_of_production(stage: Stage, name: str, tmp_path: Path) -> None:
    _COMMANDS[name](stage, tmp_path)
