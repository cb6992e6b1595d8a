"""An order paid WeChat 200.00 and Alipay 100.00 goes back through both stand-ins, whatever happens to one of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from invariants import against_channels
from merchants.models import ChannelAccount
from refunds import payouts
from refunds.models import Execution, RefundRequest
from refunds.payouts.adapters import adapter_for
from refunds.payouts.loop import drain
from simulators.kit.testing import RunningSimulator, running_simulator
from terminals.models import Transaction
from tests.refunds.plans import ask, held, order_of_two

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def alipay_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with running_simulator("alipay", tmp_path_factory.mktemp("alipay"), settle_ms=20) as simulator:
        yield simulator


@pytest.fixture
def alipay(alipay_process: RunningSimulator) -> RunningSimulator:
    alipay_process.control("POST", "/reset", {})
    return alipay_process


@pytest.fixture
def wechat(wechat_process: RunningSimulator, alipay: RunningSimulator) -> Iterator[RunningSimulator]:
    """Emptied. At the end both ledgers together must agree with what we believe."""
    wechat_process.control("POST", "/reset", {})
    yield wechat_process
    rows = [row for channel in (wechat_process, alipay) for row in channel.control("GET", "/ledger")["rows"]]
    assert list(against_channels.paid_per_ledger(rows)) == []


@pytest.fixture
def order(wechat: RunningSimulator, alipay: RunningSimulator) -> tuple[Transaction, Transaction]:
    """Known to both channels."""
    first, second = order_of_two(wechat=wechat.account)
    account = ChannelAccount.objects.get(channel="alipay")
    account.base_url = alipay.account["base_url"]
    account.set_credentials(
        {
            "app_id": alipay.account["app_id"],
            "app_private_key": Path(alipay.account["app_private_key_path"]).read_text(),
            "alipay_public_key": Path(alipay.account["alipay_public_key_path"]).read_text(),
        }
    )
    account.save()
    for channel, sale in ((wechat, first), (alipay, second)):
        payment = {
            "order_no": sale.order_no,
            "transaction_no": sale.channel_transaction_no,
            "amount_fen": sale.amount_fen,
            "paid_at": sale.paid_at.isoformat(),
        }
        channel.control("POST", "/payments", payment)
    return first, second


def _until(request: RefundRequest, *states: str) -> RefundRequest:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        Execution.objects.filter(request=request, due_at__isnull=False).update(due_at=timezone.now())
        drain()
        request = RefundRequest.objects.get(pk=request.pk)
        under_way = request.executions.filter(due_at__isnull=False).exists()
        if request.state in states and not (under_way and request.state == "partially_refunded"):
            return request
    raise AssertionError(f"still {request.state}: {list(Execution.objects.filter(request=request).values())}")


def _paid(channel: RunningSimulator) -> list[int]:
    return [row["amount_fen"] for row in channel.control("GET", "/ledger")["rows"]]


def test_execute_when_both_channels_pay_both_legs_are_refunded(
    order: tuple[Transaction, Transaction], wechat: RunningSimulator, alipay: RunningSimulator
) -> None:
    request = _until(ask(order[0]), "refunded")
    assert (_paid(wechat), _paid(alipay)) == ([20_000], [10_000])
    assert held(*order) == [(20_000, 20_000, 1), (10_000, 10_000, 1)]
    assert request.executions.filter(state="succeeded").count() == 2


def test_execute_when_one_channel_refuses_the_other_pays_and_the_rest_is_named(
    order: tuple[Transaction, Transaction], wechat: RunningSimulator, alipay: RunningSimulator
) -> None:
    wechat.control("POST", "/faults", {"operation": "refund", "fault": "closed", "times": 1})
    request = _until(ask(order[0]), "partially_refunded")
    assert (_paid(wechat), _paid(alipay)) == ([], [10_000])
    assert (request.refunded_fen, request.reserved_fen) == (10_000, 30_000)
    failed = request.executions.get(state="failed")
    assert (failed.sequence, failed.transaction_id) == (1, order[0].pk)


def test_execute_when_one_channel_errs_after_paying_nothing_is_paid_twice(
    order: tuple[Transaction, Transaction], wechat: RunningSimulator, alipay: RunningSimulator
) -> None:
    wechat.control("POST", "/faults", {"operation": "refund", "fault": "error_after_commit", "times": 1})
    _until(ask(order[0]), "refunded")
    assert (_paid(wechat), _paid(alipay)) == ([20_000], [10_000])


@pytest.mark.parametrize("sent", [False, True])
def test_execute_when_the_worker_dies_between_legs_each_is_paid_once(
    order: tuple[Transaction, Transaction], wechat: RunningSimulator, alipay: RunningSimulator, *, sent: bool
) -> None:
    request = ask(order[0])
    now = timezone.now()
    (claimed,) = payouts.claim(limit=1, at=now)
    if sent:
        payouts.ask(claimed, adapter_for(claimed.account_id, claimed.account_revision))
    # The worker is dead; its lease runs out.
    Execution.objects.filter(pk=claimed.execution_id).update(last_asked_at=now - timedelta(hours=1))
    _until(request, "refunded")
    assert (_paid(wechat), _paid(alipay)) == ([20_000], [10_000])
    assert held(*order) == [(20_000, 20_000, 1), (10_000, 10_000, 1)]
    assert request.executions.count() == 2
