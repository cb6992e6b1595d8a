"""The three channels' own statements, fetched from their stand-ins and spoiled by faults: found is exactly what was spoiled."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from integrations import stand_ins
from merchants import principals
from merchants.models import ChannelAccount
from merchants.principals import of_staff
from reconciliation import days, differences, downloading, importing
from reconciliation.models import Bill, Difference, ReconciliationDay
from refunds.models import Execution
from simulators.kit.testing import RunningSimulator, running_simulator
from tests.reconciliation.world import DAY, MORNING, World, counts, on_day

pytestmark = pytest.mark.django_db

CHANNELS = ("wechat", "alipay", "unionpay")


@pytest.fixture(scope="module", params=CHANNELS)
def stand_in(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    path: Path = tmp_path_factory.mktemp(request.param)
    with running_simulator(request.param, path, settle_ms=20) as simulator:
        yield simulator


@dataclass
class Channel:
    """A world whose account is at a stand-in that knows the same payments and payouts."""

    name: str
    world: World
    simulator: RunningSimulator

    def knows(self, payout: Execution) -> None:
        self.knows_sale(payout.transaction)
        assert payout.succeeded_at is not None
        past = {
            "order_no": payout.transaction.order_no,
            "refund_no": payout.refund_no,
            "channel_refund_no": payout.channel_refund_no,
            "amount_fen": payout.amount_fen,
            "moved_at": payout.succeeded_at.isoformat(),
        }
        self.simulator.control("POST", "/past", {"refunds": [past]})

    def knows_sale(self, sale: Any) -> None:
        payment = {
            "order_no": sale.order_no,
            "transaction_no": sale.channel_transaction_no,
            "amount_fen": sale.amount_fen,
            "paid_at": sale.paid_at.isoformat(),
        }
        self.simulator.control("POST", "/payments", payment)

    def fault(self, fault: str, **more: Any) -> None:
        self.simulator.control("POST", "/faults", {"operation": "bill", "fault": fault, "times": 1, **more})

    def fetched(self) -> ReconciliationDay:
        downloading.fetch_now(account=self.world.account, day=DAY, by=of_staff(self.world.finance), at=timezone.now())
        return self.world.day()


@pytest.fixture
def channel(stand_in: RunningSimulator) -> Channel:
    stand_in.control("POST", "/reset", {})
    stand_in.control("DELETE", "/faults")
    keys = {"mchid": "wechat", "app_id": "alipay", "mer_id": "unionpay"}
    return _channel(next(name for key, name in keys.items() if key in stand_in.account), stand_in)


def _channel(name: str, simulator: RunningSimulator) -> Channel:
    world = World()
    account = stand_ins._read_account(name, simulator.account)
    row = ChannelAccount(
        merchant=world.merchant,
        channel=name,
        code=f"{name}-{world.merchant.pk}",
        base_url=account.base_url,
        profile_overrides={**account.profile, **account.addresses, "partial_spacing_s": 0, "bill_shared": False},
    )
    row.set_credentials(dict(account.credentials))
    world.account.is_active = False
    world.account.save()
    row.save()
    world.account = row
    return Channel(name, world, simulator)


def test_statement_of_the_channel_agrees(channel: Channel) -> None:
    for number in range(4):
        channel.knows(channel.world.paid(1_000 + number, at=on_day(10 + number)))
    day = channel.fetched()
    assert counts(day) == {"matched": 4}
    assert day.bill is not None
    assert (day.gap_fen, day.bill.refunds, day.bill.version) == (0, 4, 1)
    assert (len(day.bill.sha256), day.bill.size > 0, day.bill.fees_fen) == (64, True, -24)
    again = downloading.fetch_now(account=channel.world.account, day=DAY, by=principals.SYSTEM, at=timezone.now())
    assert not again.is_new
    assert Bill.objects.count() == 1


def test_spoiled_rows_are_found_and_nothing_else(channel: Channel) -> None:
    payouts = [channel.world.paid(1_000 + number, at=on_day(9 + number)) for number in range(8)]
    for payout in payouts:
        channel.knows(payout)
    for fault in ("row_missing", "amount_off", "row_extra"):
        channel.fault(fault, count=2)
    day = channel.fetched()
    assert counts(day) == {"matched": 4, "ours_only": 2, "amount_differs": 2, "channel_only": 2}
    spoiled = channel.simulator.control("GET", "/faults")["spoiled"]
    kinds = {"row_missing": "ours_only", "amount_off": "amount_differs", "row_extra": "channel_only"}
    expected = {(kinds[row["fault"]], row["refund_no"]) for row in spoiled}
    assert {(row.kind, row.number) for row in Difference.objects.all()} == expected


def test_refund_made_in_the_portal_is_recognised_and_adopted(channel: Channel) -> None:
    # UnionPay's numbers have 21 digits.
    sale = channel.world.sale(channel_transaction_no="420020261121000000077")
    channel.knows_sale(sale)
    past = {
        "order_no": sale.order_no,
        "refund_no": "PORTAL20260001",
        "channel_refund_no": "5099000000001",
        "amount_fen": 2_000,
        "moved_at": on_day(15).isoformat(),
    }
    channel.simulator.control("POST", "/past", {"refunds": [past]})
    assert counts(channel.fetched()) == {"channel_only": 1}
    request = differences.adopt(
        difference_id=Difference.objects.get().pk, note="", by=of_staff(channel.world.finance), at=timezone.now()
    )
    assert (request.state, request.refunded_fen) == ("refunded", 2_000)
    assert counts(channel.world.day()) == {"matched": 1}


def test_day_without_anything_is_an_empty_statement(channel: Channel) -> None:
    day = channel.fetched()
    assert counts(day) == {}
    assert day.bill is not None
    assert (day.bill.refunds, day.due_at, day.last_error) == (0, None, "")


def test_work_fetches_what_is_due_and_tries_again_later_what_is_not_ready(channel: Channel) -> None:
    payout = channel.world.paid()
    channel.knows(payout)
    if channel.name == "alipay":
        channel.fault("error", times=50)
    else:
        channel.fault("creating", times=50)
    now = timezone.now()
    assert downloading.work(at=now) == 0
    waiting = channel.world.day()
    assert waiting.bill is None
    assert waiting.attempts == 1
    assert waiting.due_at is not None
    assert waiting.due_at > now
    assert waiting.last_error
    assert ReconciliationDay.objects.count() == downloading.BACKLOG_DAYS - (
        days.habits_for(waiting).bill_at(days.habits_for(waiting).day_of(now) - timedelta(days=1)) > now
    )
    channel.simulator.control("DELETE", "/faults")
    assert downloading.work(at=now + timedelta(minutes=6)) > 0
    assert counts(channel.world.day()) == {"matched": 1}
    assert downloading.work(at=now + timedelta(minutes=7)) == 0


def test_wechats_wrong_hash_is_refused_and_asked_again(wechat: RunningSimulator) -> None:
    channel = _channel("wechat", wechat)
    payout = channel.world.paid()
    channel.knows(payout)
    channel.fault("wrong_hash")
    with pytest.raises(downloading.DownloadFailed) as failed:
        channel.fetched()
    assert failed.value.code == "bill_unreadable"
    day = channel.world.day()
    assert (day.bill, day.last_error) == (None, "bill_unreadable")
    assert day.due_at is not None
    assert counts(channel.fetched()) == {"matched": 1}


def test_uploaded_file_is_the_same_statement_packed_or_not(wechat: RunningSimulator, tmp_path: Path) -> None:
    channel = _channel("wechat", wechat)
    payout = channel.world.paid()
    channel.knows(payout)
    plain = _wechat_file([channel.world.row(payout)])
    by, at = channel.world.finance, MORNING
    first = importing.upload(account=channel.world.account, day=DAY, file=io.BytesIO(plain), by=of_staff(by), at=at)
    packed = io.BytesIO(gzip.compress(plain))
    again = importing.upload(account=channel.world.account, day=DAY, file=packed, by=of_staff(by), at=at)
    assert (first.is_new, again.is_new) == (True, False)
    assert counts(channel.world.day()) == {"matched": 1}

    file = tmp_path / "bill.csv"
    file.write_bytes(plain)
    out = io.StringIO()
    call_command("import_bill", channel.world.account.code, DAY.isoformat(), str(file), by=by.username, stdout=out)
    assert "known already" in out.getvalue()


@pytest.mark.parametrize("spoil", ["nothing", "cut", "picture", "edited"])
def test_uploaded_rubbish_is_refused_whole(wechat: RunningSimulator, spoil: str) -> None:
    channel = _channel("wechat", wechat)
    payout = channel.world.paid()
    channel.knows(payout)
    good = _wechat_file([channel.world.row(payout)])
    bad = {
        "nothing": b"",
        "cut": good[: len(good) // 2],
        "picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        "edited": good.replace(b"`12.00", b"`11.00", 2),
    }[spoil]
    with pytest.raises(importing.BillUnreadable):
        importing.upload(
            account=channel.world.account, day=DAY, file=io.BytesIO(bad), by=of_staff(channel.world.finance), at=MORNING
        )
    assert not Bill.objects.exists()


def test_download_command_names_what_failed(wechat: RunningSimulator) -> None:
    channel = _channel("wechat", wechat)
    channel.fault("creating")
    with pytest.raises(CommandError, match="STATEMENT_CREATING"):
        call_command("download_bills", account=channel.world.account.code, date=DAY)
    out = io.StringIO()
    call_command("download_bills", account=channel.world.account.code, date=DAY, stdout=out)
    assert "0 refunds" in out.getvalue()


def _wechat_file(rows: list[Any]) -> bytes:
    """A REFUND bill as the vendor documents it, written here without the stand-in's help."""
    columns = (
        "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
        "应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
        "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
    )
    lines = [columns]
    for row in rows:
        at, yuan = (
            row.accepted_at.astimezone(MORNING.tzinfo).strftime("%Y-%m-%d %H:%M:%S"),
            f"{row.amount_fen / 100:.2f}",
        )
        cells = [at, "wx1", "1900000001", "0", "", row.channel_transaction_no, row.order_no, "o1", "MICROPAY", "REFUND"]
        cells += ["OTHERS", "CNY", "0.00", "0.00", at, at, row.channel_refund_no, row.refund_no, yuan, "0.00"]
        cells += ["ORIGINAL", "SUCCESS", "商品,一件", "", "-0.07000", "0.60%", "100.00", yuan, ""]
        lines.append(",".join(f"`{cell}" for cell in cells))
    total = f"{sum(row.amount_fen for row in rows) / 100:.2f}"
    lines.append("总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额")
    lines.append(f"`{len(rows)},`0.00,`{total},`0.00,`-0.07000,`0.00,`{total}")
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()
