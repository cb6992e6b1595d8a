"""Alipay as the PyPI package ``python-alipay-sdk`` speaks it.

The SDK knows two addresses, production and sandbox; the attribute that holds the chosen one is set to the simulator's after
construction. How it signs and checks is untouched. It calls by GET, everything in the address.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any
from urllib.parse import parse_qsl

from alipay import AliPay
from alipay.exceptions import AliPayValidationError

from tests.peers.checks import Brief, check, finish, flipped, http, until

AMOUNT, AMOUNT_FEN, TOTAL_FEN = "12.34", 1234, 5000
DAY_S = 86_400


def main() -> None:
    """All checks, one after the other."""
    brief = Brief()
    refund_and_query(brief)
    notices(brief)
    bill(brief)
    wrong_keys(brief)
    flipped_answers(brief)
    finish()


def client(brief: Brief, *, url: str = "", private_key: str = "", public_key: str = "") -> AliPay:
    """The SDK's client; what is not named is right."""
    sdk = AliPay(
        appid=brief.account["app_id"],
        app_private_key_string=private_key or brief.read("app_private_key"),
        alipay_public_key_string=public_key or brief.read("alipay_public_key"),
    )
    sdk._gateway = f"{url}/gateway.do" if url else brief.account["gateway_url"]
    return sdk


def sale(brief: Brief, number: int) -> str:
    """A paid order whose notices come here."""
    order_no = f"PEER{number}"
    payment = {"order_no": order_no, "amount_fen": TOTAL_FEN, "notify_url": brief.notice_url(order_no)}
    brief.control("POST", "/payments", payment)
    return order_no


def refund(sdk: AliPay, order_no: str) -> Any:
    """alipay.trade.refund."""
    return sdk.api_alipay_trade_refund(
        AMOUNT, out_trade_no=order_no, out_request_no=f"R{order_no}", refund_reason="客户退货 50% & more"
    )


def query(sdk: AliPay, order_no: str) -> Any:
    """alipay.trade.fastpay.refund.query."""
    return sdk.api_alipay_trade_fastpay_refund_query(f"R{order_no}", out_trade_no=order_no)


def refund_and_query(brief: Brief) -> None:
    """The first order is refunded."""
    order_no = sale(brief, 1)
    with check("a refund moves money, and the answer's signature holds"):
        answer = refund(client(brief), order_no)
        assert (answer["code"], answer["fund_change"], answer["refund_fee"]) == ("10000", "Y", AMOUNT), answer
    with check("the same number again moves nothing"):
        answer = refund(client(brief), order_no)
        assert (answer["code"], answer["fund_change"]) == ("10000", "N"), answer
        assert brief.moved_fen(order_no) == AMOUNT_FEN
    with check("a query tells that it succeeded"):
        answer = until(lambda: query(client(brief), order_no))
        assert (answer["refund_status"], answer["refund_amount"]) == ("REFUND_SUCCESS", AMOUNT), answer
    with check("a business refusal is signed too"):
        answer = client(brief).api_alipay_trade_query(out_trade_no="NOBODY")
        assert (answer["code"], answer["sub_code"]) == ("40004", "ACQ.TRADE_NOT_EXIST"), answer


def notices(brief: Brief) -> None:
    """The notice is genuine; spoiled ones are not."""
    told: dict[str, str] = {}
    with check("the notice is genuine"):
        told = dict(parse_qsl(brief.notice("PEER1").body.decode()))
        assert genuine(brief, told)
        assert (told["out_biz_no"], told["refund_fee"]) == ("RPEER1", AMOUNT), told
    for name in ("refund_fee", "sign"):
        with check(f"a notice with a flipped byte in its {name} is rejected"):
            assert not genuine(brief, {**told, name: flipped(told[name])})
    with check("a notice is rejected under another key"):
        assert not genuine(brief, told, public_key=brief.stranger_public_key)


def genuine(brief: Brief, told: dict[str, str], *, public_key: str = "") -> bool:
    """What the SDK says of a notice, called as its manual has it."""
    left = dict(told)
    return bool(client(brief, public_key=public_key).verify(left, left.pop("sign")))


def bill(brief: Brief) -> None:
    """A ZIP of GBK files. Alipay names no hash; the archive's own checksums have to hold."""
    with check("the bill unpacks without damage and names the refund"):
        # The SDK's query cannot ask when the payer had it; the notice says when the money left.
        day = dict(parse_qsl(brief.notice("PEER1").body.decode()))["gmt_refund"][:10]
        brief.control("POST", "/clock", {"offset_s": 2 * DAY_S})
        try:
            answer = client(brief).server_api(
                "alipay.data.dataservice.bill.downloadurl.query", {"bill_type": "trade", "bill_date": day}
            )
            content = http("GET", answer["bill_download_url"])
        finally:
            brief.control("POST", "/clock", {"offset_s": 0})
        with zipfile.ZipFile(io.BytesIO(content), metadata_encoding="gbk") as archive:
            assert archive.testzip() is None
            name = next(name for name in archive.namelist() if name.endswith("业务明细.csv"))
            lines = archive.read(name).decode("gbk").splitlines()
        header = next(line for line in lines if not line.startswith("#")).split(",")
        rows = [dict(zip(header, line.split(","), strict=True)) for line in lines if not line.startswith("#")]
        row = next(row for row in rows if row["退款批次号/请求号"].strip() == "RPEER1")
        assert row["商家实收（元）"] == f"-{AMOUNT}", row


def wrong_keys(brief: Brief) -> None:
    """Strangers on either side."""
    order_no = sale(brief, 2)
    with check("a refund signed with another private key is refused, and no money moves"):
        answer = refund(client(brief, private_key=brief.stranger_private_key), order_no)
        assert (answer["code"], answer["sub_code"]) == ("40002", "isv.invalid-signature"), answer
        assert "refund_status" not in query(client(brief), order_no)
        assert brief.moved_fen(order_no) == 0
    with check("an answer is rejected under another key"):
        rejected(client(brief, public_key=brief.stranger_public_key))


def flipped_answers(brief: Brief) -> None:
    """One bit turned over on the way, by a proxy of the runner's."""
    for what, url in (("body", brief.spoiled_body_url), ("signature", brief.spoiled_signature_url)):
        with check(f"an answer with a flipped byte in its {what} is rejected"):
            rejected(client(brief, url=url))


def rejected(sdk: AliPay) -> None:
    """The SDK must not believe what it is answered."""
    try:
        answer = query(sdk, "PEER1")
    except AliPayValidationError:
        return
    raise AssertionError(f"it was taken for genuine: {answer}")


if __name__ == "__main__":
    main()
