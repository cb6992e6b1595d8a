"""Statements as people bring them to the desk: each channel's own, and files that are something else."""

from __future__ import annotations

import gzip
import zipfile
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from payment_channels.contract import BillKind
from reconciliation import days
from reconciliation.models import Bill, BillLine, Difference, ReconciliationDay
from simulators.kit.testing import RunningSimulator
from tests.reconciliation.test_channels import Channel, _channel, channel, stand_in
from tests.reconciliation.world import DAY, counts, on_day
from tests.walk.roles import login_of_production
from tests.walk.stage import raw_statement

pytestmark = pytest.mark.django_db

__all__ = ["channel", "login_of_production", "stand_in"]


def _desk(channel: Channel) -> Client:
    client = Client(headers={"accept-language": "en"}, raise_request_exception=False)
    client.force_login(channel.world.finance, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _brought(channel: Channel, content: bytes, *, name: str = "bill.csv", day: object = DAY) -> str:
    """The page that the person lands on."""
    form = {"account": channel.world.account.code, "date": str(day), "file": SimpleUploadedFile(name, content)}
    answer: Any = _desk(channel).post("/desk/reconciliation/add", form, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def _paid(channel: Channel, count: int = 3) -> None:
    for number in range(count):
        channel.knows(channel.world.paid(1_000 + number, at=on_day(9 + number)))


@pytest.mark.usefixtures("login_of_production")
def test_statement_of_each_channel_is_uploaded_at_the_desk_again_and_in_a_new_version(channel: Channel) -> None:
    _paid(channel)
    raw = raw_statement(channel.world.account)
    assert "taken in: 3 refunds" in _brought(channel, raw)
    assert counts(channel.world.day()) == {"matched": 3}
    assert "taken in before" in _brought(channel, raw)
    channel.fault("row_extra", count=2)
    assert "taken in: 5 refunds" in _brought(channel, raw_statement(channel.world.account))
    assert counts(channel.world.day()) == {"matched": 3, "channel_only": 2}
    assert Bill.objects.order_by("version").values_list("version", "refunds").distinct().count() == 2


@pytest.mark.usefixtures("login_of_production")
def test_statement_of_each_channel_is_fetched_at_the_desk(channel: Channel) -> None:
    _paid(channel)
    days.day_made(account=channel.world.account, day=DAY)
    path = f"/desk/reconciliation/{channel.world.account.code}/{DAY}/download"
    answer: Any = _desk(channel).post(path, follow=True)
    assert (answer.status_code, "taken in: 3 refunds" in answer.content.decode()) == (200, True)
    assert counts(channel.world.day()) == {"matched": 3}


def _sheet() -> bytes:
    """A workbook, as far as anybody looks: a zip of XML."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("xl/workbook.xml", "<workbook/>")
    return file.getvalue()


def _bomb() -> bytes:
    return gzip.compress(gzip.compress(bytes(5_000_000)))


#: What people bring instead of the day's statement; none of it reads as one of any channel.
_WRONG = {
    "nothing": b"",
    "login page": b"<!DOCTYPE html><html><body>\xe8\xaf\xb7\xe7\x99\xbb\xe5\xbd\x95</body></html>",
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
    "workbook": _sheet(),
    "NULs": b"\0" * 4_096,
    "one line without an end": b"`" * 300_000,
    "UTF-16": "交易时间,微信订单号\r\n`2026-11-26,`1\r\n".encode("utf-16"),
    "cut zip": _sheet()[:60],
    "packed twice": _bomb(),
    "open quote": '"交易时间,微信订单号\n`1,`2\n'.encode(),
}


@pytest.mark.usefixtures("login_of_production")
def test_wrong_file_is_refused_in_a_sentence_and_leaves_nothing_behind(channel: Channel) -> None:
    for name, wrong in _WRONG.items():
        assert "Nothing was taken from it." in _brought(channel, wrong), name
        assert not ReconciliationDay.objects.exists(), name


@pytest.mark.usefixtures("login_of_production")
def test_wrong_file_leaves_the_days_statement_standing(channel: Channel) -> None:
    _paid(channel)
    _brought(channel, raw_statement(channel.world.account))
    before = (list(Bill.objects.values()), BillLine.objects.count(), Difference.objects.count())
    for name, wrong in _WRONG.items():
        assert "Nothing was taken from it." in _brought(channel, wrong), name
    assert (list(Bill.objects.values()), BillLine.objects.count(), Difference.objects.count()) == before
    assert counts(channel.world.day()) == {"matched": 3}


@pytest.mark.usefixtures("login_of_production")
@pytest.mark.parametrize("day", ["2000-02-28", "2000-02-29"])
def test_statement_of_another_day_is_refused_and_leaves_no_day_behind(channel: Channel, day: str) -> None:
    _paid(channel)
    assert "Nothing was taken from it." in _brought(channel, raw_statement(channel.world.account), day=day)
    assert not ReconciliationDay.objects.exists()


@pytest.mark.usefixtures("login_of_production")
def test_statement_of_another_channel_and_of_another_kind_are_refused(
    channel: Channel, wechat_process: RunningSimulator
) -> None:
    _paid(channel)
    other = _channel("wechat", wechat_process)
    for number in range(2):
        other.knows(other.world.paid(2_000 + number, at=on_day(9 + number)))
    kinds = [BillKind.FUNDS] if channel.name == "wechat" else [BillKind.REFUNDS, BillKind.FUNDS]
    for kind in kinds:
        assert "Nothing was taken from it." in _brought(channel, raw_statement(other.world.account, kind))
    assert not Bill.objects.exists()


@pytest.mark.usefixtures("login_of_production")
def test_numbers_that_try_to_be_something_else_stay_what_they_are(wechat_process: RunningSimulator) -> None:
    """What an array, a COPY or a CSV could take for its own: kept as it is, read as nothing else."""
    channel = _channel("wechat", wechat_process)
    payout = channel.world.paid()
    odd = ("NULL", '"', "\\", "{a,b}", "';--", "\\N", "a\tb")
    rows = [channel.world.row(payout), *(channel.world.portal(payout.transaction, 100, text) for text in odd)]
    channel.world.imported(*rows)
    assert set(BillLine.objects.values_list("refund_no", flat=True)) == {payout.refund_no, *odd}
