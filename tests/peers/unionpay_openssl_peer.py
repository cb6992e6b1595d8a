"""UnionPay by the openssl command line: nobody maintains an SDK for it.

Everything that is signed, checked or traced up to the root goes through ``openssl``; the rest is Python's standard library.
"""

from __future__ import annotations

import base64
import io
import subprocess
import zipfile
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from tests.peers.checks import Brief, check, finish, flipped, http, until

AMOUNT_FEN, TOTAL_FEN = 1234, 5000
DAY_S = 86_400
CHINA = timezone(timedelta(hours=8))
#: UnionPay's own name at the front of its certificate's common name.
OWN_NAME = "中国银联股份有限公司"
#: The settlement file's columns: https://open.unionpay.com, one separator after each.
WIDTHS = (
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13,
    8, 32, 13, 13, 12, 2, 1, 131,
)  # fmt: skip
Fields = dict[str, str]


class NotGenuine(AssertionError):
    """A signature or a certificate that does not hold."""


class Gateway:
    """The merchant's side: signs what goes out, checks what comes in."""

    def __init__(self, brief: Brief) -> None:
        self.brief, self.account, self._dir = brief, brief.account, brief.work_dir
        self.key = Path(self.account["sign_cert_path"])
        # The decimal form of the certificate's serial number, which openssl shows in hexadecimal.
        serial = openssl("x509", "-in", str(self.key), "-noout", "-serial").decode().strip().partition("=")[2]
        self.cert_id = str(int(serial, 16))

    def call(self, path: str, fields: Fields, *, key: Path | None = None, url: str = "") -> Fields:
        """Send a signed form: the answer, whose signature has held. Raises NotGenuine."""
        common = {"version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "accessType": "0", "bizType": "000000"}
        form = {**common, "certId": self.cert_id, "merId": self.account["mer_id"], **fields}
        signature = openssl("dgst", "-sha256", "-sign", str(key or self.key), stdin=double_hash(form))
        form["signature"] = base64.b64encode(signature).decode()
        answer = http(
            "POST",
            (url or self.account["base_url"]) + path,
            urlencode(form).encode(),
            "application/x-www-form-urlencoded",
        )
        # Not URL-encoded: base64's "=" and the certificate's line ends stand as they are.
        told = dict(pair.split("=", 1) for pair in answer.decode().split("&"))
        self.check(told)
        return told

    def check(self, told: Fields) -> None:
        """The certificate leads to the root, is UnionPay's, and its key made the signature. Raises NotGenuine."""
        certificate = self._file("told.pem", told["signPubKeyCert"].encode())
        trust = ["-no-CApath", "-no-CAstore", "-CAfile", self.account["root_cert_path"]]
        chain = ["-untrusted", self.account["middle_cert_path"]]
        try:
            openssl("verify", *trust, *chain, str(certificate))
            subject = openssl("x509", "-in", str(certificate), "-noout", "-subject", "-nameopt", "utf8,sep_multiline")
            if OWN_NAME not in subject.decode():
                raise NotGenuine(subject.decode())
            key = self._file("told.key", openssl("x509", "-in", str(certificate), "-noout", "-pubkey"))
            signature = self._file("told.sig", base64.b64decode(told["signature"]))
            openssl("dgst", "-sha256", "-verify", str(key), "-signature", str(signature), stdin=double_hash(told))
        except subprocess.CalledProcessError as error:
            raise NotGenuine((error.stderr or error.stdout).decode().strip()) from error

    def refund(
        self, order_no: str, *, kind: str = "04", amount_fen: int = AMOUNT_FEN, key: Path | None = None
    ) -> Fields:
        """A refund (04) or a void (31)."""
        sold = self.brief.control("GET", f"/payments?order_no={order_no}")
        return self.call(
            "/gateway/api/backTransReq.do",
            {
                **self.identity(order_no),
                "txnType": kind,
                "txnSubType": "00",
                "channelType": "07",
                "currencyCode": "156",
                "origQryId": sold["transaction_no"],
                "txnAmt": str(amount_fen),
                "backUrl": self.brief.notice_url(order_no),
                "reqReserved": "客户退货",
            },
            key=key,
        )

    def query(self, order_no: str, *, url: str = "") -> Fields:
        """What became of it."""
        form = {**self.identity(order_no), "txnType": "00", "txnSubType": "00"}
        return self.call("/gateway/api/queryTrans.do", form, url=url)

    def identity(self, order_no: str) -> Fields:
        """The refund's own number and time."""
        return {"orderId": f"R{order_no}", "txnTime": TIME}

    def sale(self, number: int) -> str:
        """A paid order."""
        order_no = f"PEERSALE{number}"
        self.brief.control("POST", "/payments", {"order_no": order_no, "amount_fen": TOTAL_FEN})
        return order_no

    def _file(self, name: str, content: bytes) -> Path:
        path = self._dir / name
        path.write_bytes(content)
        return path


TIME = f"{datetime.now(CHINA):%Y%m%d%H%M%S}"


def openssl(*arguments: str, stdin: bytes = b"") -> bytes:
    """What the command answers. Raises CalledProcessError."""
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True, timeout=20).stdout


def double_hash(fields: Fields) -> bytes:
    """What is signed: the lower-case hexadecimal SHA-256 of the sorted fields."""
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "signature")
    return openssl("dgst", "-sha256", "-r", stdin=text.encode()).split()[0]


def main() -> None:
    """All checks, one after the other."""
    gateway = Gateway(Brief())
    refund_and_query(gateway)
    void(gateway)
    notice(gateway)
    settlement_file(gateway)
    strangers(gateway)
    flipped_answers(gateway)
    finish()


def refund_and_query(gateway: Gateway) -> None:
    """The first order is refunded."""
    with check("the merchant's PFX opens and holds the same key"):
        told = gateway.account
        pfx, password = told["sign_cert_pfx_path"], told["sign_cert_pfx_password"]
        inside = openssl("pkcs12", "-in", pfx, "-passin", f"pass:{password}", "-nodes", "-nocerts")
        assert openssl("pkey", "-pubout", stdin=inside) == openssl("pkey", "-in", str(gateway.key), "-pubout")
    order_no = gateway.sale(1)
    with check("a refund is taken on; the answer's signature holds and its certificate leads to the root"):
        told = gateway.refund(order_no)
        assert (told["respCode"], told["reqReserved"]) == ("00", "客户退货"), told
    with check("a query tells that it succeeded"):
        told = until(lambda: found if (found := gateway.query(order_no)).get("origRespCode") == "00" else None)
        assert (told["respCode"], told["txnAmt"]) == ("00", str(AMOUNT_FEN)), told
        assert gateway.brief.moved_fen(order_no) == AMOUNT_FEN
    with check("the same number again is refused as a duplicate"):
        assert gateway.refund(order_no)["respCode"] == "12"


def void(gateway: Gateway) -> None:
    """A sale of this clearing day is voided in full."""
    order_no = gateway.sale(2)
    with check("a void is taken on and undoes the whole sale"):
        assert gateway.refund(order_no, kind="31", amount_fen=TOTAL_FEN)["respCode"] == "00"
        until(lambda: gateway.brief.moved_fen(order_no) == TOTAL_FEN)


def notice(gateway: Gateway) -> None:
    """The notice is genuine; spoiled ones are not."""
    told: Fields = {}
    with check("the notice is genuine"):
        told = dict(parse_qsl(gateway.brief.notice("PEERSALE1").body.decode()))
        gateway.check(told)
        assert (told["orderId"], told["respCode"], told["txnAmt"]) == ("RPEERSALE1", "00", str(AMOUNT_FEN)), told
    for name in ("txnAmt", "signature"):
        with check(f"a notice with a flipped byte in its {name} is rejected"):
            rejected(gateway, {**told, name: flipped(told[name])})
    with check("a notice signed by a certificate that leads to no root is rejected"):
        gateway.brief.control("POST", "/faults", {"operation": "notice", "fault": "wrong_cert", "times": 1})
        order_no = gateway.sale(3)
        gateway.refund(order_no)
        rejected(gateway, dict(parse_qsl(gateway.brief.notice(order_no).body.decode())))


def settlement_file(gateway: Gateway) -> None:
    """base64, zlib, ZIP, fixed widths in bytes of GBK. The signature over the answer is the file's hash."""
    with check("the settlement file unpacks without damage, keeps its widths and names the refund"):
        day = gateway.query("PEERSALE1")["settleDate"]
        gateway.brief.control("POST", "/clock", {"offset_s": 2 * DAY_S})
        try:
            form = {"txnType": "76", "txnSubType": "01", "fileType": "00", "settleDate": day, "txnTime": TIME}
            told = gateway.call("/filedownload/", form)
        finally:
            gateway.brief.control("POST", "/clock", {"offset_s": 0})
        assert told["respCode"] == "00", told
        packed = zlib.decompress(base64.b64decode(told["fileContent"]))
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            assert archive.testzip() is None
            name = next(name for name in archive.namelist() if "ZM_" in name)
            rows = [cells(line) for line in archive.read(name).splitlines()]
        row = next(row for row in rows if row[12] == "RPEERSALE1")
        assert (row[7], row[20]) == (f"{AMOUNT_FEN:012d}", "04"), row


def cells(line: bytes) -> dict[int, str]:
    """A row's fields by their numbers in the vendor's table, from 1."""
    assert len(line) == sum(WIDTHS) + len(WIDTHS) - 1, len(line)
    found, start = {}, 0
    for number, width in enumerate(WIDTHS, start=1):
        found[number] = line[start : start + width].decode("gbk").strip()
        start += width + 1
    return found


def strangers(gateway: Gateway) -> None:
    """Another merchant's key."""
    order_no = gateway.sale(4)
    with check("a refund signed with another private key is refused, and no money moves"):
        stranger = gateway.brief.work_dir / "stranger.pem"
        stranger.write_text(gateway.brief.stranger_private_key)
        assert gateway.refund(order_no, key=stranger)["respCode"] == "11"
        assert gateway.query(order_no)["respCode"] == "34"
        assert gateway.brief.moved_fen(order_no) == 0


def flipped_answers(gateway: Gateway) -> None:
    """One bit turned over on the way, by a proxy of the runner's."""
    brief = gateway.brief
    for what, url in (("body", brief.spoiled_body_url), ("signature", brief.spoiled_signature_url)):
        with check(f"an answer with a flipped byte in its {what} is rejected"):
            try:
                told = gateway.query("PEERSALE1", url=url)
            except NotGenuine:
                continue
            raise AssertionError(f"it was taken for genuine: {told}")


def rejected(gateway: Gateway, told: Fields) -> None:
    """The notice must not be believed."""
    try:
        gateway.check(told)
    except NotGenuine:
        return
    raise AssertionError("it was taken for genuine")


if __name__ == "__main__":
    main()
