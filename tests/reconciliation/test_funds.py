"""The account's money beside the statement: taken in, matched both ways, shown as a witness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integrations import stand_ins
from merchants import principals
from merchants.principals import of_staff
from payment_channels.contract import BillRow, BillRowKind
from reconciliation import closing, days, downloading, funds
from reconciliation.days import DayClosed
from reconciliation.models import Difference, FundStatement
from refunds.models import Execution
from simulators.kit.testing import RunningSimulator, running_simulator
from tests.reconciliation.world import DAY, MORNING, World, Written, numbered, on_day

pytestmark = pytest.mark.django_db


def money(world: World, payout: Execution, **changes: Any) -> BillRow:
    """The movement that a payout made."""
    return replace(world.row(payout), order_no="", channel_transaction_no="", **changes)


def stored(world: World, *rows: BillRow) -> FundStatement:
    day = days.day_made(account=world.account, day=DAY)
    return funds.store(day_id=day.pk, statement=Written(numbered(rows)), at=MORNING)


def found(world: World, statement: FundStatement) -> list[tuple[str, str, int | None, int | None]]:
    rows = funds.findings(day=world.day(), statement=statement, limit=50)
    return [(row.kind, row.refund_no, row.bill_fen, row.money_fen) for row in rows]


def test_money_that_agrees_with_the_statement_finds_nothing(world: World) -> None:
    payouts = [world.paid(amount) for amount in (1_200, 900)]
    world.imported(*(world.row(payout) for payout in payouts))
    payment = replace(world.row(payouts[0]), kind=BillRowKind.PAYMENT, amount_fen=99_999)

    statement = stored(world, payment, *(money(world, payout) for payout in payouts))

    assert (statement.out_count, statement.out_fen, statement.back_count) == (2, 2_100, 0)
    assert {line.execution_id for line in statement.lines.all()} == {payout.pk for payout in payouts}
    assert found(world, statement) == []


def test_each_way_in_which_bill_and_money_disagree_is_named(world: World) -> None:
    lost, more, unmoved, back = (world.paid(amount) for amount in (1_000, 2_000, 3_000, 4_000))
    world.imported(world.row(more, amount_fen=2_001), world.row(unmoved), world.row(back))

    statement = stored(
        world,
        money(world, lost),
        money(world, more),
        money(world, back),
        money(world, back, kind=BillRowKind.REFUND_CLOSED),
    )

    assert set(found(world, statement)) == {
        ("only_money", lost.refund_no, None, 1_000),
        ("amount_differs", more.refund_no, 2_001, 2_000),
        ("only_bill", unmoved.refund_no, 3_000, None),
        ("came_back", back.refund_no, None, -4_000),
    }
    assert (statement.back_count, statement.back_fen) == (1, 4_000)


def test_refund_that_both_call_closed_is_no_finding(world: World) -> None:
    payout = world.in_flight()
    world.imported(world.row(payout, succeeded_at=None, state="PROCESSING"))
    statement = stored(world, money(world, payout), money(world, payout, kind=BillRowKind.REFUND_CLOSED))
    assert found(world, statement) == []


def test_same_again_changes_nothing_and_another_replaces(world: World) -> None:
    payout = world.paid()
    world.imported(world.row(payout))
    first = stored(world, money(world, payout))
    assert stored(world, money(world, payout)).pk == first.pk
    second = stored(world, money(world, payout, amount_fen=1))
    assert FundStatement.objects.get() == second
    assert second.out_fen == 1


def test_shared_account_leaves_other_merchants_money_out() -> None:
    world = World(profile={"bill_shared": True})
    mine, sale = world.paid(), world.sale()
    portal = world.portal(sale, 700)
    world.imported(world.row(mine), portal)
    foreign = replace(money(world, mine), refund_no="OTHERS-1", channel_refund_no="509OTHERS")

    statement = stored(world, money(world, mine), replace(portal, order_no=""), foreign)

    assert (statement.out_count, statement.out_fen) == (2, mine.amount_fen + 700)
    assert found(world, statement) == []


def test_closed_day_takes_no_other_money(world: World) -> None:
    payout = world.paid()
    day = world.imported(world.row(payout))
    closing.close(day_id=day.pk, by=of_staff(world.finance), at=MORNING)
    with pytest.raises(DayClosed):
        stored(world, money(world, payout))
    assert funds.fetch_quietly(day_id=day.pk, at=MORNING) is False
    assert not FundStatement.objects.exists()


def signed_in(world: World) -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE="en")
    client.force_login(world.finance, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_page_shows_the_money_and_the_difference_its_witness(world: World) -> None:
    payout = world.paid(1_000)
    world.imported(world.row(payout, amount_fen=1_001))
    client, address = signed_in(world), f"/desk/reconciliation/{world.account.code}/{DAY.isoformat()}"
    assert "it is asked for by itself" in client.get(address).content.decode()

    stored(world, money(world, payout))

    page = client.get(address)
    assert page.context["funds"].statement.out_fen == 1_000
    (finding,) = (row.finding for row in page.context["funds"].rows)
    assert (finding.request_number, finding.bill_fen, finding.money_fen) == (payout.request.number, 1_001, 1_000)
    difference = Difference.objects.get()
    asked = client.get(f"{address}?tab=amount_differs&difference={difference.pk}")
    assert [line.amount_fen for line in asked.context["dialog"].money] == [1_000]
    assert "Paid out" in asked.content.decode()


def test_list_sums_both_sides_and_leads_to_what_is_open(world: World) -> None:
    world.imported(world.row(world.paid(1_000), amount_fen=1_001), world.row(world.paid(500)))
    days.day_made(account=world.account, day=DAY - timedelta(days=1))
    client = signed_in(world)

    page = client.get("/desk/reconciliation")

    shown, sums = page.context, page.context["sums"]
    hot = {item.url: item.count for group in shown["shell"].groups for item in group.items if item.hot}
    assert hot["/desk/reconciliation"] == 1

    assert (sums.ours_fen, sums.bill_fen, sums.gap_fen) == (1_500, 1_501, -1)
    assert (shown["open_differences"], len(shown["rows"]), shown["to_close"]) == (1, 2, 2)
    assert len(client.get(shown["differences_url"]).context["rows"]) == 1
    assert len(client.get(shown["to_close_url"]).context["rows"]) == 2


# --- with the stand-in ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wechat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    path: Path = tmp_path_factory.mktemp("wechat")
    with running_simulator("wechat", path, settle_ms=20) as simulator:
        yield simulator


def at_stand_in(simulator: RunningSimulator, payout_fen: int) -> tuple[World, Execution]:
    """A world whose account is at the stand-in, which knows its sale and its refund."""
    simulator.control("POST", "/reset", {})
    simulator.control("DELETE", "/faults")
    account = stand_ins._read_account("wechat", simulator.account)
    world = World()
    payout = world.paid(payout_fen)
    sale = payout.transaction
    simulator.control(
        "POST",
        "/payments",
        {
            "order_no": sale.order_no,
            "transaction_no": sale.channel_transaction_no,
            "amount_fen": sale.amount_fen,
            "paid_at": sale.paid_at.isoformat(),
        },
    )
    moved = {
        "order_no": sale.order_no,
        "refund_no": payout.refund_no,
        "channel_refund_no": payout.channel_refund_no,
        "amount_fen": payout.amount_fen,
        "moved_at": on_day().isoformat(),
    }
    simulator.control("POST", "/past", {"refunds": [moved]})
    world.account.base_url = account.base_url
    world.account.set_credentials(dict(account.credentials))
    world.account.save()
    return world, payout


def test_row_missing_in_the_statement_is_proven_by_the_money(wechat: RunningSimulator) -> None:
    world, payout = at_stand_in(wechat, 1_300)
    fault = {"operation": "bill", "fault": "row_missing", "times": 1, "order_no": payout.refund_no}
    wechat.control("POST", "/faults", fault)

    downloading.fetch_now(account=world.account, day=DAY, by=principals.SYSTEM, at=timezone.now())

    statement = FundStatement.objects.get()
    assert found(world, statement) == [("only_money", payout.refund_no, None, 1_300)]


def test_work_fetches_the_money_that_was_not_ready_with_the_bill(wechat: RunningSimulator) -> None:
    world, payout = at_stand_in(wechat, 1_300)
    world.imported(world.row(payout))
    wechat.control("POST", "/faults", {"operation": "bill", "fault": "creating", "times": 1})

    assert funds.work(at=timezone.now()) == 0
    assert funds.work(at=timezone.now()) == 1
    assert funds.work(at=timezone.now()) == 0
    assert found(world, FundStatement.objects.get()) == []
