"""WeChat Pay as the PyPI package ``wechatpayv3`` speaks it, in public-key mode and with platform certificates.

The SDK fixes its address in ``Core.__init__``. A descriptor takes the place of that one attribute; how the SDK signs,
checks and decrypts is untouched.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import Any

from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core

from tests.peers.checks import Brief, Notice, check, finish, flipped, until

AMOUNT_FEN, TOTAL_FEN = 1234, 5000
#: The last two digits ask the simulator for the state ABNORMAL.
ABNORMAL_FEN = 1202
DAY_S = 86_400


class Address:
    """Stands where ``_gate_way`` is assigned: every client keeps the address in force when it was made."""

    current = ""

    def __get__(self, core: Any, owner: type | None = None) -> str:
        return str(core.__dict__["_gate_way"])

    def __set__(self, core: Any, value: str) -> None:
        core.__dict__["_gate_way"] = self.current


Core._gate_way = Address()


class Mode:
    """One of the two ways in which the SDK trusts the platform."""

    def __init__(self, brief: Brief, *, certificates: bool) -> None:
        self.brief, self.certificates = brief, certificates
        self.name = "certificate" if certificates else "public key"
        self.prefix = "C" if certificates else "P"
        self.certificate_dir = brief.work_dir / "certificates"
        brief.control("POST", "/signing", {"mode": "certificate" if certificates else "public_key"})

    def client(self, *, url: str = "", private_key: str = "", public_key: str = "", api_v3_key: str = "") -> WeChatPay:
        """The SDK's client; what is not named is right."""
        account = self.brief.account
        Address.current = url or account["base_url"]
        trust = {
            "public_key": public_key or self.brief.read("public_key"),
            "public_key_id": account["public_key_id"],
        }
        return WeChatPay(
            wechatpay_type=WeChatPayType.NATIVE,
            mchid=account["mchid"],
            private_key=private_key or self.brief.read("merchant_private_key"),
            cert_serial_no=account["merchant_serial"],
            appid="wx0000000000000001",
            apiv3_key=api_v3_key or account["api_v3_key"],
            timeout=(5, 10),
            **({"cert_dir": str(self.certificate_dir)} if self.certificates else trust),
        )

    def sale(self, number: int) -> str:
        """A paid order."""
        order_no = f"PEER{self.prefix}{number}"
        self.brief.control("POST", "/payments", {"order_no": order_no, "amount_fen": TOTAL_FEN})
        return order_no

    def check(self, name: str) -> Any:
        """A named check of this mode."""
        return check(f"{self.name}: {name}")


def main() -> None:
    """Both modes, one after the other."""
    brief = Brief()
    for certificates in (False, True):
        mode = Mode(brief, certificates=certificates)
        order_no = mode.sale(1)
        refund_and_query(mode, order_no)
        notices(mode, order_no)
        bills(mode, order_no)
        abnormal(mode)
        wrong_keys(mode)
        flipped_answers(mode, order_no)
        if certificates:
            rotation(mode, order_no)
    finish()


def refund_and_query(mode: Mode, order_no: str) -> None:
    """A refund is taken on, its money moves, a query says so."""
    with mode.check("a refund is taken on, and the answer's signature holds"):
        answer = refund(mode, mode.client(), order_no)
        assert (answer["amount"]["refund"], answer["amount"]["total"]) == (AMOUNT_FEN, TOTAL_FEN), answer
        assert answer["out_refund_no"] == f"R{order_no}", answer
    with mode.check("a query tells that it succeeded"):
        until(lambda: query(mode.client(), f"R{order_no}")["status"] == "SUCCESS")
        assert mode.brief.moved_fen(order_no) == AMOUNT_FEN


def notices(mode: Mode, order_no: str) -> None:
    """The notice is genuine and opens; spoiled ones are not and do not."""
    notice = Notice(headers={}, body=b"")
    with mode.check("the notice is genuine and opens under the APIv3 key"):
        notice = mode.brief.notice(order_no)
        opened = mode.client().callback(notice.headers, notice.body)["resource"]
        assert (opened["out_refund_no"], opened["refund_status"]) == (f"R{order_no}", "SUCCESS"), opened
        assert opened["amount"]["refund"] == AMOUNT_FEN, opened
    body, headers = notice.body.decode(), notice.headers
    with mode.check("a notice with a flipped byte in its cipher text is rejected"):
        assert mode.client().callback(headers, flipped(body, after='"ciphertext"')) is None
    with mode.check("a notice with a flipped byte in its signature is rejected"):
        spoiled = {**headers, "Wechatpay-Signature": flipped(headers["Wechatpay-Signature"])}
        assert mode.client().callback(spoiled, body) is None
    with mode.check("a notice does not open under another APIv3 key"):
        assert mode.client(api_v3_key="0" * 32).callback(headers, body) is None


def bills(mode: Mode, order_no: str) -> None:
    """Both bills, whose hash is of the unpacked file."""
    day = query(mode.client(), f"R{order_no}")["create_time"][:10]
    mode.brief.control("POST", "/clock", {"offset_s": 2 * DAY_S})
    try:
        with mode.check("the trade bill has the promised hash and names the refund"):
            bill = download(mode.client(), mode.client().trade_bill(bill_date=day, bill_type="REFUND"))
            row = next(line for line in bill.splitlines() if f"`R{order_no}," in line)
            assert f"`{AMOUNT_FEN / 100:.2f}," in row, row
        with mode.check("the fund-flow bill has the promised hash and names the refund"):
            bill = download(mode.client(), mode.client().fundflow_bill(bill_date=day))
            assert any(line.endswith(f"`R{order_no}") for line in bill.splitlines())
    finally:
        mode.brief.control("POST", "/clock", {"offset_s": 0})


def abnormal(mode: Mode) -> None:
    """The payee's card and name travel encrypted for the platform."""
    order_no = mode.sale(2)
    with mode.check("an abnormal refund reaches the card that the SDK encrypted"):
        refund_id = refund(mode, mode.client(), order_no, amount_fen=ABNORMAL_FEN)["refund_id"]
        until(lambda: query(mode.client(), f"R{order_no}")["status"] == "ABNORMAL")
        answer = payload(
            mode.client().abnormal_refund(
                refund_id=refund_id,
                out_refund_no=f"R{order_no}",
                type="USER_BANK_CARD",
                bank_type="ICBC_DEBIT",
                bank_account="6222020000000004321",
                real_name="张三",
            )
        )
        assert answer["user_received_account"] == "ICBC_DEBIT4321", answer


def wrong_keys(mode: Mode) -> None:
    """Strangers on either side."""
    order_no = mode.sale(3)
    with mode.check("a refund signed with another private key is refused, and no money moves"):
        stranger = mode.client(private_key=mode.brief.stranger_private_key)
        status, message = apply(mode, stranger, order_no)
        assert (status, json.loads(message)["code"]) == (401, "SIGN_ERROR"), message
        assert query_status(mode.client(), f"R{order_no}") == 404
        assert mode.brief.moved_fen(order_no) == 0
    if not mode.certificates:
        with mode.check("an answer is rejected under another platform's key"):
            rejected(mode.client(public_key=mode.brief.stranger_public_key), "RPEERP1")


def flipped_answers(mode: Mode, order_no: str) -> None:
    """One bit turned over on the way, by a proxy of the runner's."""
    for what, url in (("body", mode.brief.spoiled_body_url), ("signature", mode.brief.spoiled_signature_url)):
        with mode.check(f"an answer with a flipped byte in its {what} is rejected"):
            rejected(mode.client(url=url), f"R{order_no}")


def rotation(mode: Mode, order_no: str) -> None:
    """A new platform certificate is fetched, decrypted and trusted."""
    with mode.check("after a rotation of certificates the SDK fetches the new one and trusts it"):
        known = set(mode.certificate_dir.iterdir())
        serial = mode.brief.control("POST", "/rotate")["serial_no"]
        assert query(mode.client(), f"R{order_no}")["status"] == "SUCCESS"
        fresh = {path.name for path in set(mode.certificate_dir.iterdir()) - known}
        assert fresh == {f"{serial}.pem"}, fresh


def apply(mode: Mode, client: WeChatPay, order_no: str, *, amount_fen: int = AMOUNT_FEN) -> tuple[int, str]:
    """Ask for a refund: HTTP status and body."""
    status, message = client.refund(
        out_refund_no=f"R{order_no}",
        out_trade_no=order_no,
        reason="客户退货",
        amount={"refund": amount_fen, "total": TOTAL_FEN, "currency": "CNY"},
        notify_url=mode.brief.notice_url(order_no),
    )
    return int(status), str(message)


def refund(mode: Mode, client: WeChatPay, order_no: str, *, amount_fen: int = AMOUNT_FEN) -> Any:
    """A refund that is taken on: the answer."""
    return payload(apply(mode, client, order_no, amount_fen=amount_fen))


def query(client: WeChatPay, refund_no: str) -> Any:
    """What a query answers."""
    return payload(client.query_refund(refund_no))


def rejected(client: WeChatPay, refund_no: str) -> None:
    """The SDK must not believe what it is answered."""
    try:
        answer = client.query_refund(refund_no)
    except Exception as error:
        if str(error) != "failed to verify the signature":
            raise
        return
    raise AssertionError(f"it was taken for genuine: {answer}")


def query_status(client: WeChatPay, refund_no: str) -> int:
    """The HTTP status of a query."""
    return int(client.query_refund(refund_no)[0])


def payload(answer: tuple[int, str]) -> Any:
    """The JSON of an answer with status 200."""
    status, message = answer
    assert status == 200, f"{status} {message}"
    return json.loads(message)


def download(client: WeChatPay, answer: tuple[int, str]) -> str:
    """Fetch the bill that an answer promises and compare its hash."""
    promised = payload(answer)
    status, packed = client.download_bill(promised["download_url"])
    assert status == 200, packed
    plain = gzip.decompress(packed)
    assert promised["hash_type"] == "SHA1", promised
    assert hashlib.sha1(plain).hexdigest() == promised["hash_value"]  # noqa: S324 - the vendor's choice
    return plain.decode("utf-8-sig")


if __name__ == "__main__":
    main()
