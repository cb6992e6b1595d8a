"""What people do about differences, and closing the day."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Forbidden, Invalid, NotFound
from merchants.models import Role
from merchants.principals import of_staff
from reconciliation import closing, days, differences, importing
from reconciliation.models import Difference
from reconciliation.models.difference import BY_HAND
from refunds.models import LedgerEntry, RefundRequest
from tests.factories import make_staff
from tests.reconciliation.world import DAY, MORNING, World, Written, counts, numbered, on_day
from tests.said import said

pytestmark = pytest.mark.django_db


def _resolve(world: World, resolution: str = "accepted", note: str = "核对无误") -> Difference:
    return differences.resolve(
        difference_id=Difference.objects.get().pk,
        resolution=resolution,
        note=note,
        by=of_staff(world.finance),
        at=MORNING,
    )


def test_resolve_notes_who_when_and_why(world: World) -> None:
    world.imported(world.portal(world.sale(), 500))
    row = _resolve(world, "channel_error", "已报渠道, 工单 4711")
    assert (row.resolution, row.note, row.resolved_by, row.resolved_at) == (
        "channel_error",
        "已报渠道, 工单 4711",
        world.finance,
        MORNING,
    )
    event = AuditEvent.objects.get(action="reconciliation.resolve")
    assert (event.actor_name, event.data["number"], said(event)["note"]) == (
        world.finance.name,
        "PORTAL-1",
        "已报渠道, 工单 4711",
    )
    assert world.day().open_differences == 0


@pytest.mark.parametrize(("resolution", "note"), [("accepted", " "), ("", "x"), ("adopted", "x"), ("cleared", "x")])
def test_resolve_wants_a_choice_and_words(world: World, resolution: str, note: str) -> None:
    world.imported(world.portal(world.sale(), 500))
    with pytest.raises(Invalid):
        _resolve(world, resolution, note)
    assert Difference.objects.get().resolution == ""


def test_resolve_twice_is_refused(world: World) -> None:
    world.imported(world.portal(world.sale(), 500))
    _resolve(world)
    with pytest.raises(differences.AlreadyResolved):
        _resolve(world, BY_HAND[1])


@pytest.mark.parametrize("role", [Role.CASHIER, Role.REVIEWER])
def test_others_may_not_reconcile(world: World, role: str) -> None:
    day = world.imported(world.portal(world.sale(), 500))
    somebody = make_staff(world.merchant, role)
    row = Difference.objects.get()
    with pytest.raises(Forbidden):
        differences.resolve(difference_id=row.pk, resolution="accepted", note="x", by=of_staff(somebody), at=MORNING)
    with pytest.raises(Forbidden):
        differences.adopt(difference_id=row.pk, note="x", by=of_staff(somebody), at=timezone.now())
    with pytest.raises(Forbidden):
        closing.close(day_id=day.pk, by=of_staff(somebody), at=MORNING)
    row.refresh_from_db()
    assert row.resolution == ""


def test_other_merchants_finance_sees_nothing(world: World) -> None:
    day = world.imported(world.portal(world.sale(), 500))
    stranger = World().finance
    row = Difference.objects.get()
    with pytest.raises(NotFound):
        differences.adopt(difference_id=row.pk, note="x", by=of_staff(stranger), at=timezone.now())
    with pytest.raises(NotFound):
        differences.assign(difference_id=row.pk, owner_id=None, by=of_staff(stranger), at=MORNING)
    with pytest.raises(NotFound):
        closing.close(day_id=day.pk, by=of_staff(stranger), at=MORNING)
    with pytest.raises(NotFound):
        closing.reopen(day_id=day.pk, note="x", by=of_staff(stranger), at=MORNING)


def test_assign_gives_it_to_somebody_who_reconciles(world: World) -> None:
    world.imported(world.portal(world.sale(), 500))
    row = Difference.objects.get()
    manager, cashier = make_staff(world.merchant, Role.MANAGER), make_staff(world.merchant, Role.CASHIER)
    assert (
        differences.assign(difference_id=row.pk, owner_id=manager.pk, by=of_staff(world.finance), at=MORNING).owner
        == manager
    )
    for wrong in (cashier.pk, World().finance.pk):
        with pytest.raises(Invalid):
            differences.assign(difference_id=row.pk, owner_id=wrong, by=of_staff(world.finance), at=MORNING)
    assert differences.assign(difference_id=row.pk, owner_id=None, by=of_staff(world.finance), at=MORNING).owner is None


def test_adopt_makes_a_refund_that_the_line_proves(world: World) -> None:
    sale = world.sale()
    world.imported(world.portal(sale, 2_000))
    request = differences.adopt(
        difference_id=Difference.objects.get().pk,
        note="店长在商户平台操作",
        by=of_staff(world.finance),
        at=timezone.now(),
    )
    assert (request.state, request.reason, request.kind) == ("refunded", "operator_error", "wrong_amount")
    assert (request.refunded_fen, request.verdict["source"]) == (2_000, "portal")
    sale.refresh_from_db()
    assert (sale.reserved_fen, sale.refunded_fen) == (2_000, 2_000)
    payout = request.executions.get()
    assert (payout.state, payout.refund_no, payout.proof_source) == ("succeeded", "PORTAL-1", "bill")
    assert json.loads(payout.proof)["channel_refund_no"] == "509PORTAL-1"
    assert LedgerEntry.objects.filter(execution=payout).count() == 2
    day = world.day()
    assert counts(day) == {"matched": 1}
    assert (day.gap_fen, day.open_differences) == (0, 0)
    assert Difference.objects.get().resolution == "adopted"
    assert differences.sale_behind(Difference.objects.get()) is None


def test_adopt_twice_makes_one_refund(world: World) -> None:
    world.imported(world.portal(world.sale(), 2_000))
    pk = Difference.objects.get().pk
    differences.adopt(difference_id=pk, note="", by=of_staff(world.finance), at=timezone.now())
    with pytest.raises(differences.AlreadyResolved):
        differences.adopt(difference_id=pk, note="", by=of_staff(world.finance), at=timezone.now())
    assert RefundRequest.objects.count() == 1


def test_adopt_beyond_what_was_paid_stays_a_difference_that_says_so(world: World) -> None:
    payout = world.paid(9_000)
    world.imported(world.row(payout), world.portal(payout.transaction, 2_000))
    row = Difference.objects.get()
    assert differences.why_not_adopt(row, differences.sale_behind(row)) == "exceeds_refundable"
    with pytest.raises(differences.CannotAdopt) as refused:
        differences.adopt(difference_id=row.pk, note="", by=of_staff(world.finance), at=timezone.now())
    assert refused.value.code == "exceeds_refundable"
    row.refresh_from_db()
    assert (row.resolution, RefundRequest.objects.count()) == ("", 1)
    payout.transaction.refresh_from_db()
    assert payout.transaction.reserved_fen == 9_000


def test_adopt_wants_a_sale_of_ours_and_money_that_moved(world: World) -> None:
    sale = world.sale()
    elsewhere = world.portal(sale, 500, "P-1", channel_transaction_no="4200999", order_no="NOT-OURS")
    underway = world.portal(sale, 500, "P-2", succeeded_at=None, state="PROCESSING")
    unnamed = world.portal(sale, 500, "", channel_refund_no="")
    world.imported(elsewhere, underway, unnamed)
    codes = {
        row.number: differences.why_not_adopt(row, differences.sale_behind(row)) for row in Difference.objects.all()
    }
    assert codes == {"P-1": "adopt_no_sale", "P-2": "adopt_not_paid", "line 4": "cannot_adopt"}
    for row in Difference.objects.all():
        with pytest.raises(differences.CannotAdopt):
            differences.adopt(difference_id=row.pk, note="", by=of_staff(world.finance), at=timezone.now())
    assert not RefundRequest.objects.exists()


def test_close_wants_a_bill_and_nothing_open(world: World) -> None:
    made = days.day_made(account=world.account, day=DAY)
    with pytest.raises(closing.CannotClose) as refused:
        closing.close(day_id=made.pk, by=of_staff(world.finance), at=MORNING)
    assert refused.value.code == "bill_missing"

    flying = world.in_flight()
    world.imported(world.portal(world.sale(), 500))
    with pytest.raises(closing.CannotClose) as refused:
        closing.close(day_id=made.pk, by=of_staff(world.finance), at=MORNING)
    assert refused.value.code == "differences_open"

    _resolve(world)
    with pytest.raises(closing.CannotClose) as refused:
        closing.close(day_id=made.pk, by=of_staff(world.finance), at=MORNING)
    assert refused.value.code == "payouts_pending"
    assert world.day().state == "open"

    world.succeed(flying, at=on_day())
    world.imported(world.portal(world.sale(), 500), world.row(flying))
    assert world.day().open_differences == 0, "what was resolved stays resolved"
    closed = closing.close(day_id=made.pk, by=of_staff(world.finance), at=MORNING)
    assert (closed.state, closed.closed_by, closed.closed_at) == ("closed", world.finance, MORNING)


def test_closed_day_takes_no_other_bill_until_it_is_reopened_with_a_note(world: World) -> None:
    payout = world.paid()
    day = world.imported(world.row(payout))
    closing.close(day_id=day.pk, by=of_staff(world.finance), at=MORNING)
    with pytest.raises(days.DayClosed):
        importing.store(day_id=day.pk, statement=Written([]), at=MORNING)
    with pytest.raises(Invalid):
        closing.reopen(day_id=day.pk, note=" ", by=of_staff(world.finance), at=MORNING)
    assert world.day().state == "closed"

    closing.reopen(day_id=day.pk, note="渠道补发账单", by=of_staff(world.finance), at=MORNING)
    importing.store(day_id=day.pk, statement=Written(numbered([world.row(payout, amount_fen=1_199)])), at=MORNING)
    assert counts(world.day()) == {"amount_differs": 1}
    actions = list(
        AuditEvent.objects.filter(object_type="reconciliation_day").order_by("id").values_list("action", flat=True)
    )
    assert actions == [f"reconciliation.{name}" for name in ("import", "close", "reopen", "import")]
    with pytest.raises(closing.NotClosed):
        closing.reopen(day_id=day.pk, note="x", by=of_staff(world.finance), at=MORNING)


def test_later_bill_does_not_touch_a_closed_day(world: World) -> None:
    day = world.imported(world.portal(world.sale(), 500))
    _resolve(world)
    closing.close(day_id=day.pk, by=of_staff(world.finance), at=MORNING)

    world.imported(day=DAY + timedelta(days=1), at=MORNING + timedelta(days=1))
    assert world.day().compared_at == MORNING
