"""Statements as merchants' portals hand them out, each with a quirk, and what is no statement at all: brought to the desk."""

from __future__ import annotations

import base64
import gzip
import html
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from reconciliation.models import Bill, BillLine, Difference, FundStatement, ReconciliationDay
from refunds.models import Execution
from simulators.kit.testing import RunningSimulator, running_simulator
from tests.api.conftest import api_for
from tests.factories import make_sale
from tests.payment_channels.unionpay.conftest import MER_ID
from tests.payment_channels.unionpay.test_bills import spread, zm_line, zme_line
from tests.reconciliation.test_channels import Channel, _channel
from tests.reconciliation.world import DAY, counts, on_day
from tests.walk.roles import login_of_production

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("login_of_production")]

__all__ = ["login_of_production"]

FILES = Path(__file__).parent / "files"
_ENDS = b"\r\n"


@pytest.fixture(scope="module")
def wechat_stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with running_simulator("wechat", tmp_path_factory.mktemp("wechat"), settle_ms=20) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def alipay_stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with running_simulator("alipay", tmp_path_factory.mktemp("alipay"), settle_ms=20) as simulator:
        yield simulator


@pytest.fixture
def wechat(wechat_stand_in: RunningSimulator) -> Channel:
    return _channel("wechat", wechat_stand_in)


@pytest.fixture
def alipay(alipay_stand_in: RunningSimulator) -> Channel:
    return _channel("alipay", alipay_stand_in)


def _paid(channel: Channel) -> Execution:
    """The refund behind the files' rows."""
    return channel.world.paid(10_000, at=on_day(12, 3))


def _file(name: str, payout: Execution) -> bytes:
    """A file with the numbers of a refund of ours, of our day, packed as it was."""

    def ours(content: bytes) -> bytes:
        for theirs, own in (
            ("SYN26112600000001", payout.refund_no),
            ("50301234562026112600000000001", payout.channel_refund_no),
            ("4200009000202611260000000001", payout.transaction.channel_transaction_no),
            ("2026-11-26", DAY.isoformat()),
            ("2026/11/26", f"{DAY:%Y/%m/%d}"),
        ):
            content = content.replace(theirs.encode(), str(own).encode())
        return content

    raw = (FILES / name).read_bytes()
    if not raw.startswith(b"PK"):
        return ours(raw)
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(packed, "w") as new:
        for entry in old.infolist():
            new.writestr(entry, ours(old.read(entry)))
    return packed.getvalue()


def _brought(channel: Channel, content: bytes, *, language: str = "en", day: object = DAY) -> str:
    """The page that the person lands on."""
    client = Client(headers={"accept-language": language}, raise_request_exception=False)
    client.force_login(channel.world.finance, backend="django.contrib.auth.backends.ModelBackend")
    form = {"account": channel.world.account.code, "date": str(day), "file": SimpleUploadedFile("bill.csv", content)}
    answer: Any = client.post("/desk/reconciliation/add", form, follow=True)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def _rest(channel: Channel) -> Any:
    return api_for(channel.world.merchant).get("reconciliations", date=DAY.isoformat()).json()["results"][0]


@pytest.mark.parametrize(
    "name",
    [
        "wechat-refund-plain.csv",
        "wechat-all-trades.csv",
        "wechat-refund-ordinary-settlement.csv",
        "wechat-portal.zip",
        "wechat-portal.xlsx",
    ],
)
def test_statement_of_wechat_pay_matches_whatever_the_portal_packed_it_in(wechat: Channel, name: str) -> None:
    payout = _paid(wechat)
    assert "taken in: 1 refunds" in _brought(wechat, _file(name, payout))
    assert counts(wechat.world.day()) == {"matched": 1}
    assert (_rest(wechat)["gap_fen"], _rest(wechat)["statement"]["set_aside"]) == (0, [])
    assert "taken in before" in _brought(wechat, _file(name, payout))


@pytest.mark.parametrize("name", ["alipay-refund-with-merchant-discount.csv", "alipay-rezipped-on-mac.zip"])
def test_statement_of_alipay_matches_with_a_merchants_discount(alipay: Channel, name: str) -> None:
    payout = _paid(alipay)
    assert "taken in: 1 refunds" in _brought(alipay, _file(name, payout))
    assert counts(alipay.world.day()) == {"matched": 1}
    line = BillLine.objects.get()
    assert line.accepted_at is not None
    assert (line.amount_fen, line.accepted_at.astimezone(on_day().tzinfo).date()) == (10_000, DAY)


def test_reversal_without_numbers_is_shown_as_one(wechat: Channel) -> None:
    payout = _paid(wechat)
    page = _brought(wechat, _file("wechat-refund-with-revoked.csv", payout))
    assert "taken in: 2 refunds" in page
    assert counts(wechat.world.day()) == {"matched": 1, "channel_only": 1}
    assert "Reversed at the channel" in page
    assert "已在渠道撤销" in _brought(wechat, _file("wechat-refund-with-revoked.csv", payout), language="zh-hans")
    assert Difference.objects.get().bill_fen == 1_800


def test_fund_flow_net_of_the_fee_that_came_back_agrees_and_shows_the_fee(wechat: Channel) -> None:
    payout = _paid(wechat)
    flow = _file("wechat-fundflow-net-of-fee.csv", payout)
    assert "first take in the statement" in _brought(wechat, flow)
    _brought(wechat, _file("wechat-refund-plain.csv", payout))

    page = _brought(wechat, flow)

    assert "Every refund of the statement has its money" in page
    assert "¥0.60" in page
    assert FundStatement.objects.get().fees_back_fen == 60


def test_fund_flow_short_of_money_without_a_remark_is_a_disagreement(wechat: Channel) -> None:
    payout = _paid(wechat)
    _brought(wechat, _file("wechat-refund-plain.csv", payout))
    flow = _file("wechat-fundflow-net-of-fee.csv", payout)
    page = _brought(wechat, flow.replace("退款总金额100.00元;含手续费0.60元".encode(), b""))
    assert "Every refund of the statement has its money" not in page
    assert "99.40" in page


def _sent(channel: Channel, content: bytes, *, language: str = "en") -> Any:
    """The answer to a file that finance sends by REST."""
    client = Client(headers={"accept-language": language}, raise_request_exception=False)
    client.force_login(channel.world.finance, backend="django.contrib.auth.backends.ModelBackend")
    form = {"account": channel.world.account.code, "date": str(DAY), "file": SimpleUploadedFile("bill.csv", content)}
    return client.post("/api/v1/reconciliations", form)


def test_file_sent_by_rest_is_taken_in_or_refused_in_a_sentence(wechat: Channel) -> None:
    payout = _paid(wechat)
    for name in ("wechat-refund-plain.csv", "wechat-portal.xlsx"):
        answer = _sent(wechat, _file(name, payout))
        assert (answer.status_code, answer.json()["counts"]["matched"]) == (200, 1)
    before = list(Bill.objects.values())
    for content, code, english, chinese in (
        (b"", "bill_empty", "The file is empty", "文件是空的"),
        (b"<html></html>", "bill_web_page", "a web page", "网页"),
        (
            _file("wechat-resaved-by-spreadsheet.csv", payout),
            "bill_resaved",
            "saved again by a spreadsheet",
            "电子表格",
        ),
    ):
        for language, sentence in (("en", english), ("zh-hans", chinese)):
            refused = _sent(wechat, content, language=language)
            assert (refused.status_code, refused.json()["code"]) == (422, code)
            assert sentence in refused.json()["detail"]
    assert list(Bill.objects.values()) == before
    assert _sent(wechat, _file("wechat-fundflow-net-of-fee.csv", payout)).status_code == 200
    assert FundStatement.objects.get().fees_back_fen == 60


def test_file_sent_with_a_key_is_forbidden(wechat: Channel) -> None:
    api = api_for(wechat.world.merchant)
    assert api.post("reconciliations", {}).status_code in {403, 415}
    assert not Bill.objects.exists()


# --- one odd row never costs the day --------------------------------------------------------------------------------


def _with(plain: bytes, *rows: bytes, total: bytes = b"100.00") -> bytes:
    """The plain statement with rows more in front of its own; the summary says ``total``."""
    header, row, names, summary = plain.strip().split(_ENDS)
    summary = summary.replace(b"`100.00", b"`" + total)
    return _ENDS.join([header, *rows, row, names, summary, b""])


def _row_of(plain: bytes) -> bytes:
    return plain.split(_ENDS)[1]


_SPOILED: dict[str, tuple[Callable[[bytes], bytes], str, str]] = {
    "amount": (lambda row: row.replace(b"`0.00,`100.00,`", b"`0.00,`abc,`"), "no amount: abc", "不是金额"),
    "time": (lambda row: row.replace(b" 12:03:20", b" 25:03:20"), "no time: ", "不是时间"),
    "fields": (lambda row: row.replace(b",`CNY", b""), "do not fit the columns", "列"),
    "spreadsheet": (
        lambda row: re.sub(rb"`503[^,]+", b"`5.03012E+28", row),
        "a spreadsheet has rounded",
        "电子表格",
    ),
}


@pytest.mark.parametrize("what", _SPOILED)
def test_one_odd_row_is_set_aside_with_its_words_and_the_rest_is_compared(wechat: Channel, what: str) -> None:
    spoil, english, chinese = _SPOILED[what]
    payout = _paid(wechat)
    plain = _file("wechat-refund-plain.csv", payout)
    odd = spoil(_row_of(plain))
    assert odd != _row_of(plain)
    content = _with(plain, odd, re.sub(rb"`503[^,]+,`[^,]+", b"`5039,`ELSEWHERE", _row_of(plain)), total=b"300.00")

    page = _brought(wechat, content)

    assert "taken in: 2 refunds. 1 rows could not be used and were set aside" in page
    assert english in page
    assert odd.decode()[-60:] in page
    assert wechat.world.day().matched == 1
    said = _rest(wechat)["statement"]
    assert (said["set_aside_n"], said["set_aside"][0]["line"]) == (1, 2)
    assert chinese in said["set_aside"][0]["message"]
    assert chinese in _brought(wechat, content, language="zh-hans")
    assert said["total_gap_fen"] == (0 if said["set_aside"][0]["amount_fen"] else 10_000)


_READ: dict[str, Callable[[str], str]] = {
    "full-width header": lambda text: text.replace("申请退款金额,费率备注", "申请退款金额，费率备注"),
    "comma and backtick in a name": lambda text: text.replace("`门店消费", "`一店,`大杯,咖啡"),
    "line break in a field": lambda text: text.replace("`门店消费", "`一店\r\n大杯"),
    "line break before a backtick": lambda text: text.replace("`门店消费", "`一店\n`大杯"),
    "columns more at the end": lambda text: text.replace("费率备注\r\n", "费率备注,新列\r\n").replace(
        ",`\r\n", ",`,`x\r\n"
    ),
    "cells more at the end": lambda text: text.replace("100.00,`\r\n", "100.00,`,`,`\r\n"),
    "blank lines": lambda text: text.replace("\r\n", "\r\n\r\n"),
    "fee finer than a fen": lambda text: text.replace("`-0.60000", "`-0.60340"),
    "no time of success yet": lambda text: re.sub(r"`[0-9-]{10} 12:03:20", "`0000-00-00 00:00:00", text),
    "carriage returns in between": lambda text: text.replace("\r\n", "\r", 1),
    "a bookkeeper's minus": lambda text: text.replace("`-0.60000", "`(0.60000)"),
    "coupon": lambda text: text.replace("`100.00,`0.00,`ORIGINAL", "`90.00,`10.00,`ORIGINAL"),
    "a program's writing": lambda text: re.sub(r"(`[0-9-]{10}) ", r"\1T", text).replace(
        "`100.00,`0.00,`ORIGINAL", "`￥100.00,`0.00元,`ORIGINAL"
    ),
}


@pytest.mark.parametrize("what", _READ)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be"])
def test_what_people_and_portals_do_to_a_statement_is_read(wechat: Channel, what: str, encoding: str) -> None:
    payout = _paid(wechat)
    plain = _file("wechat-refund-plain.csv", payout).decode("utf-8-sig")
    content = _READ[what](plain).encode(encoding)
    assert "taken in: 1 refunds. " not in _brought(wechat, content)
    assert counts(wechat.world.day()) == {"matched": 1}
    assert BillLine.objects.get().fee_fen == -60


_OTHERS = re.compile(rb"`503[^,]+,`[^,]+")
_BESIDE: dict[str, tuple[Callable[[bytes], bytes], dict[str, int], list[str]]] = {
    "of another day": (
        lambda row: _OTHERS.sub(b"`5039,`ELSEWHERE", row).replace(
            DAY.isoformat().encode(), (DAY - timedelta(days=3)).isoformat().encode()
        ),
        {"matched": 1},
        ["row_day"],
    ),
    "without a number yet": (lambda row: _OTHERS.sub(b"`0,`0", row), {"matched": 1, "channel_only": 1}, []),
    "failed: the bank gave it back": (
        lambda row: re.sub(rb"`[^`]+,(`503)", rb"`,\1", row.replace(b"`SUCCESS", b"`CHANGE")).replace(
            b"`503", b"`5039"
        ),
        # It has left the merchant, and lies at the channel until somebody names another account.
        {"matched": 1, "channel_only": 1},
        [],
    ),
    "failed at the channel": (
        lambda row: re.sub(rb"`[^`]+,(`503)", rb"`,\1", row.replace(b"`SUCCESS", b"`FAIL")).replace(b"`503", b"`5039"),
        {"matched": 2},
        [],
    ),
}


@pytest.mark.parametrize("what", _BESIDE)
def test_row_beside_ours_is_what_it_says_and_no_money_is_lost(wechat: Channel, what: str) -> None:
    spoil, outcomes, why = _BESIDE[what]
    plain = _file("wechat-refund-plain.csv", _paid(wechat))
    beside = (
        _OTHERS.sub(b"`5039,`ELSEWHERE", spoil(_row_of(plain))) if what.startswith("failed") else spoil(_row_of(plain))
    )
    _brought(wechat, _with(plain, beside, total=b"200.00"))
    assert counts(wechat.world.day()) == outcomes
    statement = _rest(wechat)["statement"]
    assert ([row["code"] for row in statement["set_aside"]], statement["total_gap_fen"]) == (why, 0)
    assert wechat.world.day().bill_fen == 10_000 * (1 + outcomes.get("channel_only", 0))


def test_fund_flow_of_another_account_is_refused(wechat: Channel) -> None:
    payout = _paid(wechat)
    _brought(wechat, _file("wechat-refund-plain.csv", payout))
    flow = _file("wechat-fundflow-net-of-fee.csv", payout).replace(payout.refund_no.encode(), b"ELSEWHERE")
    page = _brought(wechat, flow.replace(str(payout.channel_refund_no).encode(), b"5039"))
    assert "merchant number 1900000001" in page
    assert not FundStatement.objects.exists()


def test_other_order_of_columns_is_read(wechat: Channel) -> None:
    payout = _paid(wechat)
    header, row, names, summary, _ = _file("wechat-refund-plain.csv", payout).decode("utf-8-sig").split("\r\n")
    turned = ",".join(reversed(header.split(",")))
    cells = ",".join(f"`{cell}" for cell in reversed(row[1:].split(",`")))
    _brought(wechat, gzip.compress("\r\n".join([turned, cells, names, summary]).encode()))
    assert counts(wechat.world.day()) == {"matched": 1}


@pytest.mark.parametrize("what", ["with its header", "rows alone", "rows behind the total"])
def test_statements_pasted_one_below_the_other_are_all_compared(wechat: Channel, what: str) -> None:
    plain = _file("wechat-refund-plain.csv", _paid(wechat))
    other = _OTHERS.sub(b"`5039,`ELSEWHERE", plain.removeprefix(b"\xef\xbb\xbf"))
    below = {"with its header": other, "rows alone": other.split(_ENDS, 1)[1], "rows behind the total": _row_of(other)}
    page = _brought(wechat, plain + below[what])
    if what == "rows behind the total":
        assert "says ¥100.00, its rows make ¥200.00" in page
        assert not Bill.objects.exists()
        return
    assert "taken in: 2 refunds" in page
    assert counts(wechat.world.day()) == {"matched": 1, "channel_only": 1}


def test_statements_of_two_days_pasted_together_are_refused_by_their_days(alipay: Channel) -> None:
    plain = _file("alipay-refund-with-merchant-discount.csv", _paid(alipay)).decode("gb18030")
    before = (DAY - timedelta(days=1)).isoformat()
    for content in (plain + plain.replace(DAY.isoformat(), before), plain.replace(DAY.isoformat(), before) + plain):
        page = _brought(alipay, content.replace("：", ":").encode("gb18030"))
        assert f"This statement is of {before} - {DAY}, not of {DAY}" in page
    assert not Bill.objects.exists()


def test_statement_of_half_width_remarks_still_has_to_add_up(alipay: Channel) -> None:
    plain = _file("alipay-refund-with-merchant-discount.csv", _paid(alipay)).decode("gb18030")
    narrow = plain.replace("：", ":").replace("，", ",")
    assert "does not add up" in _brought(alipay, narrow.replace("共-90.00元", "共-70.00元").encode("gb18030"))
    assert not Bill.objects.exists()
    _brought(alipay, narrow.encode("utf-16-le"))
    assert counts(alipay.world.day()) == {"matched": 1}


def test_total_that_disagrees_is_refused_and_says_by_how_much(wechat: Channel) -> None:
    payout = _paid(wechat)
    content = _with(_file("wechat-refund-plain.csv", payout), total=b"118.00")
    page = _brought(wechat, content)
    assert "says ¥118.00, its rows make ¥100.00, a gap of ¥18.00" in page
    assert "差 ¥18.00" in _brought(wechat, content, language="zh-hans")
    assert not Bill.objects.exists()


def test_missing_column_is_unknown_and_no_fact(wechat: Channel) -> None:
    payout = _paid(wechat)
    plain = _file("wechat-refund-plain.csv", payout)

    def without(name: str) -> bytes:
        header, *rest = plain.decode("utf-8-sig").split("\r\n")
        place = header.split(",").index(name)
        cut = [",".join(cell for at, cell in enumerate(header.split(",")) if at != place)]
        for line in rest:
            cells = line.split(",")
            keep = len(cells) < 20 or not line.startswith("`")
            cut.append(line if keep else ",".join(cell for at, cell in enumerate(cells) if at != place))
        return "\r\n".join(cut).encode()

    for name in ("商户退款单号", "微信退款单号"):
        page = _brought(wechat, without(name))
        assert "lacks columns" in page, name
        assert name in page
    assert not Bill.objects.exists()
    _brought(wechat, without("手续费"))
    assert (counts(wechat.world.day()), BillLine.objects.get().fee_fen) == ({"matched": 1}, None)
    assert _rest(wechat)["statement"]["fees_returned_fen"] is None
    _brought(wechat, without("退款成功时间"))
    assert (counts(wechat.world.day()), BillLine.objects.get().succeeded_at is not None) == ({"matched": 1}, True)


# --- nine wrong files, nine sentences -------------------------------------------------------------------------------

_CONSUMER = (
    "微信支付账单明细,,,,\n微信昵称：[王],,,,\n----,,,,\n交易时间,交易类型,交易对方,商品,收/支\n"
    "2026-11-26 10:00:00,商户消费,店,茶,支出\n"
)
_WRONG: dict[str, tuple[Callable[[bytes], bytes], str, str]] = {
    "empty": (lambda plain: b"", "The file is empty", "文件是空的"),
    "other day": (
        lambda plain: plain.replace(DAY.isoformat().encode(), (DAY - timedelta(days=1)).isoformat().encode()),
        f"This statement is of {DAY - timedelta(days=1)}, not of {DAY}",
        f"不是 {DAY} 的",
    ),
    "other month": (
        lambda plain: plain.replace(DAY.isoformat().encode(), (DAY - timedelta(days=31)).isoformat().encode()),
        f"This statement is of {DAY - timedelta(days=31)}, not of {DAY}",
        f"不是 {DAY} 的",
    ),
    "other channel": (
        lambda plain: (FILES / "alipay-refund-with-merchant-discount.csv").read_bytes(),
        "This is a statement of Alipay",
        "支付宝的对账单",
    ),
    "other account": (
        lambda plain: re.sub(rb"`503[^,]+,`[^,]+", b"`5039,`ELSEWHERE", plain),
        "merchant number 1900000001",
        "商户号 1900000001",
    ),
    "other kind": (
        lambda plain: plain.replace(
            "退款申请时间,退款成功时间,微信退款单号,商户退款单号,".encode(), b"a,b,c,d,"
        ).replace("微信订单号".encode(), "账务流水号".encode()),
        "statement of Alipay",
        "支付宝",
    ),
    "payments alone": (
        lambda plain: (
            re.sub("退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额".encode(), b"a,b,c,d,e", plain)
            .replace("退款状态".encode(), b"f")
            .replace("申请退款金额,费率备注".encode(), b"g,h")
        ),
        "This is a list of other trades",
        "其他类型的交易账单",
    ),
    "consumer's own": (lambda plain: _CONSUMER.encode(), "a consumer's own list", "个人账单"),
    "saved again": (
        lambda plain: plain.replace(DAY.isoformat().encode(), f"{DAY:%Y/%m/%d}".encode()),
        "saved again by a spreadsheet",
        "电子表格",
    ),
    "login page": (lambda plain: b"<!DOCTYPE html><html>\xe7\x99\xbb\xe5\xbd\x95</html>", "a web page", "网页"),
    "damaged": (lambda plain: plain[:-90], "was damaged, cut short or edited", "损坏"),
    "in English": (
        lambda plain: (
            b"Transaction time,Official account ID,Merchant ID,WeChat order No.,Merchant order No.,Refund amount\r\n1,2,3,4,5,6"
        ),
        "named in another language",
        "简体中文",
    ),
    "in traditional Chinese": (
        lambda plain: "交易時間,商戶號,微信訂單號,商戶訂單號,退款金額\r\n1,2,3,4,5".encode(),
        "named in another language",
        "简体中文",
    ),
    "its letters lost": (
        lambda plain: plain.decode("utf-8-sig").encode("gb18030").decode("utf-8", "replace").encode(),
        "saved again by a spreadsheet",
        "电子表格",
    ),
    "its letters read as Latin": (
        lambda plain: plain.decode("latin-1").encode(),
        "saved again by a spreadsheet",
        "电子表格",
    ),
}


@pytest.mark.parametrize("what", _WRONG)
def test_wrong_file_is_refused_in_its_own_sentence_and_the_version_before_stands(wechat: Channel, what: str) -> None:
    change, english, chinese = _WRONG[what]
    payout = _paid(wechat)
    plain = _file("wechat-refund-plain.csv", payout)
    wrong = change(plain)
    page = _brought(wechat, wrong)
    assert english in page
    assert "Nothing was taken from it." in page
    assert not Bill.objects.exists()
    assert not ReconciliationDay.objects.exists()
    _brought(wechat, plain)
    before = list(Bill.objects.values()), list(BillLine.objects.values()), list(ReconciliationDay.objects.values())
    assert chinese in _brought(wechat, wrong, language="zh-hans")
    after = list(Bill.objects.values()), list(BillLine.objects.values()), list(ReconciliationDay.objects.values())
    assert after == before


def test_file_of_the_readme_saved_again_is_refused(wechat: Channel) -> None:
    page = _brought(wechat, _file("wechat-resaved-by-spreadsheet.csv", _paid(wechat)))
    assert "saved again by a spreadsheet" in page
    assert not Bill.objects.exists()


def test_fund_flow_where_only_refunds_are_wanted_says_what_it_is(alipay: Channel) -> None:
    flow = "#支付宝账务明细查询\r\n账务流水号,业务流水号\r\n1,2\r\n".encode("gb18030")
    assert "This is a fund flow" in _brought(alipay, flow)
    assert not Bill.objects.exists()


def test_day_without_refunds_is_no_empty_file(wechat: Channel) -> None:
    header, _row, names, summary, _ = _file("wechat-refund-plain.csv", _paid(wechat)).split(_ENDS)
    empty = _ENDS.join([header, names, re.sub(rb"`[-0-9.]+", b"`0", summary)])
    assert "taken in: 0 refunds" in _brought(wechat, empty)
    assert counts(wechat.world.day()) == {"ours_only": 1}


@pytest.mark.parametrize("shared", [False, True])
def test_statement_of_another_account_of_alipay_is_known_by_the_one_before(alipay: Channel, shared: bool) -> None:
    account = alipay.world.account
    account.profile_overrides |= {"bill_shared": shared}
    account.revision += 1
    account.save()
    name = "alipay-refund-with-merchant-discount.csv"
    payout = _paid(alipay)
    plain = _file(name, payout)
    _brought(alipay, plain)
    before = list(Bill.objects.values())
    other = plain.replace(b"20880000000000010156", b"20889999999999990156")
    other = other.replace(payout.transaction.channel_transaction_no.encode(), b"2026112122001499990500000099")
    page = _brought(alipay, other.replace(payout.refund_no.encode(), b"ELSEWHERE"))
    assert "merchant number 20889999999999990156; this account is 20880000000000010156" in page
    assert list(Bill.objects.values()) == before


@pytest.mark.parametrize("brought", [_brought, _sent])
def test_day_zipped_with_its_fund_flow_and_a_copy_is_taken_in_with_both(
    wechat: Channel, brought: Callable[..., Any]
) -> None:
    payout = _paid(wechat)
    plain, flow = _file("wechat-refund-plain.csv", payout), _file("wechat-fundflow-net-of-fee.csv", payout)
    brought(wechat, _zipped({"资金.csv": flow, "交易.csv": plain, "交易 (1).csv": plain}))
    assert counts(wechat.world.day()) == {"matched": 1}
    assert FundStatement.objects.get().fees_back_fen == 60


@pytest.mark.parametrize("brought", [_brought, _sent])
def test_day_in_parts_is_taken_in_whole(alipay: Channel, brought: Callable[..., Any]) -> None:
    payout = _paid(alipay)
    plain = _file("alipay-refund-with-merchant-discount.csv", payout)
    other = plain.replace(payout.refund_no.encode(), b"ELSEWHERE")
    brought(alipay, _zipped({"业务明细_1.csv": plain, "业务明细_2.csv": other, "业务明细(汇总).csv": b"x"}))
    assert counts(alipay.world.day()) == {"matched": 1, "channel_only": 1}
    two = plain.replace(b"20880000000000010156", b"20889999999999990156")
    assert _sent(alipay, _zipped({"1.csv": plain, "2.csv": two})).json()["code"] == "bill_zip"


# --- UnionPay's: the desk and REST answer alike ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def unionpay_stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with running_simulator("unionpay", tmp_path_factory.mktemp("unionpay"), settle_ms=20) as simulator:
        yield simulator


@pytest.fixture
def unionpay(unionpay_stand_in: RunningSimulator) -> Channel:
    return _channel("unionpay", unionpay_stand_in)


def _settlement(payout: Execution, *, mer_id: str) -> bytes:
    line = zm_line(1, "04", 10_000, time=f"{DAY:%m%d}120300").replace(MER_ID.encode(), mer_id.encode())
    line = line.replace(b"R20261121000001".ljust(32), payout.refund_no.encode().ljust(32))
    return line.replace(b"1".zfill(21), payout.channel_refund_no.encode().ljust(21))


_UNIONPAY_WRONG: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda line: b"", "bill_empty"),
    "blank": (lambda line: b"\r\n\x1a", "bill_empty"),
    "cut": (lambda line: line[:200], "bill_damaged"),
    "archive": (lambda line: b"Rar!\x1a\x07\x00" + line, "bill_archive"),
    "disputes alone": (lambda line: _zipped({"INN26112188ZME_777": zme_line(1, 1_200)}), "bill_of_another_kind"),
    "picture": (lambda line: b"\xff\xd8\xff\xe0\0\x10JFIF" + line, "bill_document"),
    "printed": (lambda line: _zipped({"对账单.pdf": b"%PDF-1.7" + line}), "bill_document"),
    "columns apart": (lambda line: spread(line, b","), "bill_resaved"),
    "login page": (lambda line: b"<html><body>UnionPay</body></html>", "bill_web_page"),
    "answer": (lambda line: b'{"respCode":"98"}', "bill_web_page"),
    "another channel": (lambda line: (FILES / "wechat-refund-plain.csv").read_bytes(), "bill_of_another_channel"),
    "another day": (
        lambda line: line.replace(f"{DAY:%m%d}".encode(), f"{DAY - timedelta(days=40):%m%d}".encode()),
        "bill_of_another_day",
    ),
    "two days": (
        lambda line: _zipped({f"INN{d:%y%m%d}88ZM_777": line for d in (DAY, DAY - timedelta(days=1))}),
        "bill_of_another_day",
    ),
}


def _zipped(entries: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, held in entries.items():
            archive.writestr(name, held)
    return file.getvalue()


@pytest.mark.parametrize("what", _UNIONPAY_WRONG)
def test_wrong_file_of_unionpay_has_one_sentence_at_the_desk_and_by_rest(unionpay: Channel, what: str) -> None:
    change, code = _UNIONPAY_WRONG[what]
    wrong = change(_settlement(_paid(unionpay), mer_id=unionpay.simulator.account["mer_id"]))
    for language in ("en", "zh-hans"):
        answer = _sent(unionpay, wrong, language=language)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert answer.json()["detail"] in _brought(unionpay, wrong, language=language)
    assert not Bill.objects.exists()
    assert not ReconciliationDay.objects.exists()


@pytest.mark.parametrize("brought", [_brought, _sent])
def test_settlement_file_packed_some_other_way_matches(unionpay: Channel, brought: Callable[..., Any]) -> None:
    line = _settlement(_paid(unionpay), mer_id=unionpay.simulator.account["mer_id"])
    wide, renamed = line.decode("latin-1").encode("utf-16"), _zipped({"777_1.txt": line, "777_1 (1).txt": line})
    named = _zipped({f"INN{DAY:%y%m%d}88ZM_777.txt": line.replace(b"\r\n", b"\r")})
    for content in (
        base64.encodebytes(zlib.compress(named)),
        _zipped({"a.zip": named}),
        b"\xef\xbb\xbf" + line,
        wide,
        renamed,
    ):
        brought(unionpay, content)
        assert counts(unionpay.world.day()) == {"matched": 1}
        assert _rest(unionpay)["statement"]["set_aside_n"] == 0


def test_statement_with_payments_confirms_what_was_reported_before_it_was_paid(unionpay: Channel) -> None:
    payout = _paid(unionpay)
    lines = [_settlement(payout, mer_id=unionpay.simulator.account["mer_id"])]
    account = unionpay.world.account
    paid, taken_back, differs, unheard = (
        make_sale(
            unionpay.world.merchant,
            10_000,
            channel="unionpay",
            channel_account=account,
            channel_transaction_no=f"{number:021d}",
            status="pending",
        )
        for number in (11, 12, 13, 14)
    )
    for number, kind, fen in ((11, "01", 10_000), (12, "01", 10_000), (13, "01", 9_000), (12, "31", 10_000)):
        line = zm_line(number, kind, fen, time=f"{DAY:%m%d}120300").replace(
            MER_ID.encode(), unionpay.simulator.account["mer_id"].encode()
        )
        lines.append(line.replace(f"6{number:020d}".encode(), f"{number:021d}".encode()) if kind == "31" else line)
    assert "taken in: 2 refunds" in _brought(unionpay, b"".join(lines))
    for sale, status, word in (
        (paid, "success", "paid"),
        (taken_back, "pending", ""),
        (differs, "pending", "amount_differs"),
        (unheard, "pending", ""),
    ):
        sale.refresh_from_db()
        assert (sale.status, sale.payment_word) == (status, word)


# --- acquirers' own lists, and zips in zips ---------------------------------------------------------------------------

_ACQUIRERS = {
    "银联商务": "交易时间,终端号,交易类型,卡号,交易金额,清算金额,手续费,流水号,检索号,商户号,商户订单号,银商订单号\n",
    "拉卡拉": "商户编号|交易日期|交易时间|终端号|拉卡拉流水号|交易金额(分)|手续费(分)|结算金额(分)|结算日期|结算状态\n",
    "通联": "商户号,门店名称,终端号,交易时间,交易类型,交易批次号,凭证号,参考号,卡号,卡类别,发卡行机构代码,交易金额,手续费\n",
    "收钱吧": "收钱吧对账单\n商户名称,门店名称,收钱吧订单号,商户订单号,支付通道,交易类型,交易金额,手续费,微信订单号\n",
    "Ping++": "Charge ID,商户订单号,渠道,商户号,交易金额,手续费,交易时间\nch_Hm5uTSifDOuTy9iLeLPSurrD,A-1,wx,19,1.00,0,-\n",
    "收单机构": "商户编码,商户名称,交易日期及时间,交易类型,交易金额,交易卡号,卡类别,终端编码,商户手续费,检索参考号,订单号\n",
}


@pytest.mark.parametrize("acquirer", _ACQUIRERS)
@pytest.mark.parametrize(
    "packed", [lambda text: text.encode("gb18030"), lambda text: _zipped({"a.csv": text.encode()})]
)
def test_list_of_an_acquirer_is_named_with_what_to_bring_instead(
    wechat: Channel, acquirer: str, packed: Callable[[str], bytes]
) -> None:
    _paid(wechat)
    wrong = packed(_ACQUIRERS[acquirer])
    answer = _sent(wechat, wrong, language="zh-hans")
    assert (answer.status_code, answer.json()["code"]) == (422, "bill_of_acquirer")
    said = answer.json()["detail"]
    assert f"这是{acquirer}" in said
    assert "不是微信支付的对账单" in said
    assert "pay.weixin.qq.com" in said
    assert said in _brought(wechat, wrong, language="zh-hans")
    assert "pay.weixin.qq.com, the day's trade bill" in _brought(wechat, wrong)
    assert not Bill.objects.exists()


def test_list_of_an_acquirer_in_an_old_workbook_is_named(unionpay: Channel) -> None:
    _paid(unionpay)
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 505 + "拉卡拉交易明细".encode("utf-16-le") + b"\0" * 512
    answer = _sent(unionpay, old)
    assert (answer.status_code, answer.json()["code"]) == (422, "bill_of_acquirer")
    assert "merchant.unionpay.com" in answer.json()["detail"]


@pytest.mark.parametrize(
    "packed",
    [
        lambda plain, other: {"a.zip": _zipped({"b.csv": plain}), "__MACOSX/._a.zip": b"\0\5\x16\7"},
        lambda plain, other: {"wechat.zip": _zipped({"b.csv": plain}), "alipay.zip": _zipped({"c.csv": other})},
        lambda plain, other: {
            "d.zip": _zipped({"e.zip": _zipped({"f.csv": plain, "__MACOSX/._f.csv": b"\0"})}),
            "g.zip": _zipped({"h.csv": plain}),
        },
    ],
)
def test_zips_in_a_zip_are_read_by_what_they_hold(
    wechat: Channel, packed: Callable[[bytes, bytes], dict[str, bytes]]
) -> None:
    plain = _file("wechat-refund-plain.csv", _paid(wechat))
    other = (FILES / "alipay-refund-with-merchant-discount.csv").read_bytes()
    assert "taken in: 1 refunds" in _brought(wechat, _zipped(packed(plain, other)))
    assert counts(wechat.world.day()) == {"matched": 1}


def test_locked_zip_or_another_archive_in_a_zip_says_so(wechat: Channel) -> None:
    plain = _file("wechat-refund-plain.csv", _paid(wechat))
    inner = bytearray(_zipped({"b.csv": plain}))
    # The flag of a password, in the entry's own header and in the list of entries.
    inner[6] |= 1
    inner[inner.rindex(b"PK\1\2") + 8] |= 1
    for wrong, code in (
        ({"a.zip": bytes(inner), "c.zip": _zipped({"d.csv": plain})}, "bill_locked"),
        ({"a.zip": bytes(inner)}, "bill_locked"),
        ({"a.rar": b"Rar!\x1a\x07\x00" + plain}, "bill_archive"),
        ({"a.7z": b"7z\xbc\xaf\x27\x1c" + plain}, "bill_archive"),
    ):
        answer = _sent(wechat, _zipped(wrong))
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not Bill.objects.exists()
