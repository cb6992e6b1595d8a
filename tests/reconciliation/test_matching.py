"""What agrees, what does not, what is not known yet; and what a later bill or answer makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import NotFound
from invariants import inspection
from merchants.principals import of_staff
from payment_channels.contract import BillCorrupt, BillRowKind, BillTotals, Refused, Retry
from reconciliation import days, differences, export, importing, matching
from reconciliation.models import Bill, BillLine, Difference
from refunds.models import Execution, LedgerEntry
from refunds.payouts import contradictions
from terminals.models import Transaction
from tests.reconciliation.world import DAY, MORNING, World, Written, counts, numbered, on_day

pytestmark = pytest.mark.django_db


def test_day_on_which_all_agree_has_no_difference(world: World) -> None:
    payouts = [world.paid(1_000 + number) for number in range(3)]
    day = world.imported(*(world.row(payout) for payout in payouts))
    assert counts(day) == {"matched": 3}
    assert (day.ours_fen, day.bill_fen, day.gap_fen, day.open_differences) == (3_003, 3_003, 0, 0)
    assert day.bill is not None
    assert (day.bill.refunds, day.bill.refunds_fen, day.bill.version) == (3, 3_003, 1)


def test_every_kind_of_difference_is_found_and_nothing_else(world: World) -> None:
    agreed, off, missing = world.paid(), world.paid(1_300), world.paid(1_400)
    flying = world.in_flight(1_500)
    day = world.imported(
        world.row(agreed),
        world.row(off, amount_fen=1_301),
        world.row(flying, succeeded_at=None, state="PROCESSING"),
        world.portal(world.sale(), 2_000),
    )
    assert counts(day) == {"matched": 1, "amount_differs": 1, "ours_only": 1, "channel_only": 1, "pending": 1}
    found = {row.number: (row.kind, row.ours_fen, row.bill_fen) for row in Difference.objects.all()}
    assert found == {
        off.refund_no: ("amount_differs", 1_300, 1_301),
        missing.refund_no: ("ours_only", 1_400, None),
        "PORTAL-1": ("channel_only", None, 2_000),
    }
    assert day.gap_fen == (1_200 + 1_300 + 1_400) - (1_200 + 1_301 + 1_500 + 2_000)


def test_line_is_matched_by_the_channels_number_where_ours_is_missing(world: World) -> None:
    payout = world.paid()
    assert counts(world.imported(world.row(payout, refund_no=""))) == {"matched": 1}


def test_line_that_stands_twice_is_a_difference_once(world: World) -> None:
    payout = world.paid()
    day = world.imported(world.row(payout), world.row(payout))
    assert counts(day) == {"matched": 1, "channel_only": 1}
    assert Difference.objects.get().number == f"{payout.refund_no}#3"


def test_payment_lines_are_no_refunds(world: World) -> None:
    payout = world.paid()
    payment = replace(world.row(payout), kind=BillRowKind.PAYMENT, refund_no="", channel_refund_no="")
    assert counts(world.imported(world.row(payout), payment)) == {"matched": 1}


def test_payout_in_flight_without_a_line_is_pending_and_no_difference(world: World) -> None:
    world.in_flight()
    day = world.imported()
    assert counts(day) == {"pending": 1}
    assert [row.state for row in matching.waiting(day=day, limit=10)] == ["unknown"]
    assert not Difference.objects.exists()


def test_refund_that_both_sides_call_closed_agrees(world: World) -> None:
    payout = world.in_flight()
    with_failure = world.row(payout, succeeded_at=None, state="PROCESSING")
    world.imported(with_failure)
    closed = Refused(code="CLOSED", message="", retry=Retry.NEW_NUMBER)
    world.hear(payout, closed, source="query")
    matching.recompare(day_id=world.day().pk, at=MORNING)
    day = world.day()
    assert counts(day) == {"matched": 1}
    assert (day.ours_fen, day.bill_fen) == (0, 0)


def test_statement_that_has_a_refused_payout_as_paid_holds_its_sale_once(world: World) -> None:
    payout = world.in_flight(1_300)
    refused = Refused(code="CLOSED", message="closed", retry=Retry.NEW_NUMBER)
    world.hear(payout, refused, source="notice")
    row = world.row(payout, succeeded_at=on_day())
    day = world.imported(row)
    held = Transaction.objects.get(pk=payout.transaction_id)
    assert (counts(day), held.held_at is not None) == ({"channel_only": 1}, True)
    assert Execution.objects.get(pk=payout.pk).proof_source == "bill"
    contradictions.end_hold(
        transaction_id=held.pk, finding="paid", note="对账单", by=of_staff(world.finance), at=timezone.now()
    )
    matching.recompare(day_id=day.pk, at=timezone.now())
    assert (counts(world.day()), Transaction.objects.get(pk=held.pk).held_at) == ({"matched": 1}, None)


def test_refund_that_we_call_failed_and_the_channel_paid_is_a_difference(world: World) -> None:
    payout = world.in_flight()
    refused = Refused(code="NO_AUTH", message="", retry=Retry.NEVER)
    world.hear(payout, refused, source="answer")
    day = world.imported(world.row(payout, succeeded_at=on_day()))
    assert counts(day) == {"channel_only": 1}
    assert Difference.objects.get().execution_id == payout.pk


def test_statement_that_proves_an_unknown_payout_has_it_asked_about_now(world: World) -> None:
    payout = world.in_flight()
    Execution.objects.filter(pk=payout.pk).update(due_at=MORNING + timedelta(hours=1))
    day = world.imported(world.row(payout, succeeded_at=on_day()))
    payout.refresh_from_db()
    assert (payout.state, payout.due_at) == ("unknown", MORNING)
    assert counts(day) == {"pending": 1}
    world.succeed(payout, at=MORNING)
    matching.recompare(day_id=day.pk, at=MORNING)
    assert counts(world.day()) == {"matched": 1}


def test_same_statement_again_changes_nothing(world: World) -> None:
    rows = numbered([world.row(world.paid()), world.portal(world.sale(), 500)])
    day_id = days.day_made(account=world.account, day=DAY).pk
    first = importing.store(day_id=day_id, statement=Written(rows), at=MORNING)
    before = (list(BillLine.objects.values()), list(Difference.objects.values()), AuditEvent.objects.count())
    again = importing.store(day_id=day_id, statement=Written(rows), at=MORNING + timedelta(hours=1))
    assert (first.is_new, again.is_new, again.bill.pk) == (True, False, first.bill.pk)
    assert before == (list(BillLine.objects.values()), list(Difference.objects.values()), AuditEvent.objects.count())


def test_new_version_replaces_the_lines_and_keeps_what_was_resolved(world: World) -> None:
    payout, sale = world.paid(), world.sale()
    day = world.imported(world.row(payout), world.portal(sale, 500), world.portal(sale, 700, "PORTAL-2"))
    resolved = Difference.objects.get(number="PORTAL-1")
    differences.resolve(
        difference_id=resolved.pk, resolution="channel_error", note="工单 4711", by=of_staff(world.finance), at=MORNING
    )
    day = world.imported(world.row(payout), world.portal(sale, 500), world.portal(sale, 750, "PORTAL-2"))
    resolved.refresh_from_db()
    assert (resolved.resolution, resolved.note) == ("channel_error", "工单 4711")
    assert resolved.line is not None
    assert resolved.line.bill_id == day.bill_id
    assert Difference.objects.get(number="PORTAL-2").bill_fen == 750
    assert (Bill.objects.count(), BillLine.objects.count(), day.open_differences) == (2, 3, 1)


def test_new_version_with_another_amount_opens_what_was_resolved(world: World) -> None:
    sale = world.sale()
    world.imported(world.portal(sale, 500))
    differences.resolve(
        difference_id=Difference.objects.get().pk,
        resolution="accepted",
        note="x",
        by=of_staff(world.finance),
        at=MORNING,
    )
    day = world.imported(world.portal(sale, 600))
    assert day.open_differences == 1
    assert Difference.objects.get().resolution == ""


def test_corrected_statement_clears_the_difference_by_itself(world: World) -> None:
    payout = world.paid()
    world.imported()
    assert counts(world.day()) == {"ours_only": 1}
    day = world.imported(world.row(payout))
    assert counts(day) == {"matched": 1}
    assert Difference.objects.get().resolution == "cleared"


def test_next_days_bill_that_brings_the_row_clears_ours_only(world: World) -> None:
    payout = world.paid(at=on_day(22))
    day = world.imported()
    assert counts(day) == {"ours_only": 1}
    world.imported(world.row(payout), day=DAY + timedelta(days=1), at=MORNING + timedelta(days=1))
    assert Difference.objects.get().resolution == "cleared"
    assert counts(world.day()) == {}
    assert counts(world.day(DAY + timedelta(days=1))) == {"matched": 1}


def test_payout_within_minutes_of_the_cut_off_waits_for_the_next_bill(world: World) -> None:
    payout = world.paid(at=on_day(23, 58))
    assert counts(world.imported()) == {"pending": 1}
    world.imported(day=DAY + timedelta(days=1), at=MORNING + timedelta(days=1))
    assert counts(world.day()) == {"ours_only": 1}
    assert Difference.objects.get().number == payout.refund_no


def test_unionpays_day_ends_at_23(world: World) -> None:
    profile = {"bill_cutoff": "23:00", "bill_basis": "succeeded", "bill_grace_s": 0}
    world.account.profile_overrides |= profile
    world.account.save()
    late = world.paid(at=on_day(23, 30))
    early = world.paid(at=on_day(22, 30))
    assert counts(world.imported(world.row(early))) == {"matched": 1}
    next_day = world.imported(world.row(late), day=DAY + timedelta(days=1), at=MORNING + timedelta(days=1))
    assert counts(next_day) == {"matched": 1}


def test_statement_that_does_not_add_up_is_not_taken_in(world: World) -> None:
    row = world.row(world.paid())
    day = days.day_made(account=world.account, day=DAY)
    totals = BillTotals(rows=1, payments_fen=0, refunds_fen=row.amount_fen + 1)
    with pytest.raises(BillCorrupt):
        importing.store(day_id=day.pk, statement=Written([row], declared=totals), at=MORNING)
    assert not Bill.objects.exists()
    assert not BillLine.objects.exists()


def test_statement_of_another_day_is_not_taken_in(world: World) -> None:
    row = world.row(world.paid(), accepted_at=on_day() - timedelta(days=5))
    day = days.day_made(account=world.account, day=DAY)
    with pytest.raises(importing.BillOfAnotherDay):
        importing.store(day_id=day.pk, statement=Written([row]), at=MORNING)
    assert not Bill.objects.exists()


def test_shared_account_leaves_other_merchants_lines_out(world: World) -> None:
    world.account.profile_overrides |= {"bill_shared": True}
    world.account.save()
    payout = world.paid()
    foreign = world.portal(world.sale(), 500, "F-1", channel_transaction_no="4200999", order_no="ELSEWHERE")
    day = world.imported(world.row(payout), foreign, world.portal(world.sale(), 600, "OURS"))
    assert counts(day) == {"matched": 1, "channel_only": 1}
    assert day.bill_fen == 1_800


def test_text_of_a_statement_cannot_break_the_import(world: World) -> None:
    nasty = world.portal(world.sale(), 500, "a\tb\\N\nc\rd", state="\\.\t退款")
    world.imported(nasty)
    assert BillLine.objects.get().refund_no == "a\tb\\N\nc\rd"


def test_export_has_every_refund_of_either_side(world: World) -> None:
    agreed, missing, flying = world.paid(), world.paid(1_400), world.in_flight()
    day = world.imported(world.row(agreed), world.portal(world.sale(), 500))
    rows = [(row.kind, row.refund_no, row.ours_fen, row.bill_fen) for row in export.rows(day=day)]
    assert rows == [
        ("matched", agreed.refund_no, 1_200, 1_200),
        ("channel_only", "PORTAL-1", None, 500),
        ("ours_only", missing.refund_no, 1_400, None),
        ("pending", flying.refund_no, None, None),
    ]


def test_other_merchants_days_do_not_exist_for_one(world: World) -> None:
    world.imported()
    other = World()
    with pytest.raises(NotFound):
        days.day_for(merchant_id=other.merchant.pk, account_code=world.account.code, day=DAY)


def test_ledger_books_each_payout_once_and_balanced(world: World) -> None:
    world.account.profile_overrides |= {"fee_rate_bp": 60}
    world.account.save()
    payout = world.paid(10_00)
    entries = {(row.kind, row.account): row.amount_fen for row in LedgerEntry.objects.all()}
    assert entries == {
        ("payout", "refunds_payable"): 1_000,
        ("payout", "channel_clearing"): -1_000,
        ("fee", "channel_clearing"): 6,
        ("fee", "channel_fees"): -6,
    }
    world.succeed(payout, at=timezone.now())
    assert LedgerEntry.objects.count() == 4
    assert inspection.check() == []


def test_fee_that_the_channel_keeps_is_booked_as_lost(world: World) -> None:
    world.account.profile_overrides |= {"fee_rate_bp": 60, "fee_returned": False}
    world.account.save()
    world.paid(1_000)
    fees = dict(LedgerEntry.objects.filter(kind="fee").values_list("account", "amount_fen"))
    assert fees == {"fees_lost": 6, "channel_fees": -6}
