"""An Alipay application that signs and verifies by the book."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from tests.simulators.wire import PATIENCE_S, Reply, call

FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}


class Application:
    """Holds what account.json names."""

    def __init__(self, account: dict[str, Any]) -> None:
        self.account = account
        pem = Path(account["app_private_key_path"]).read_bytes()
        # Proving its primes takes longer than a call, and it has just been made.
        key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        public = load_pem_public_key(Path(account["alipay_public_key_path"]).read_bytes())
        assert isinstance(key, rsa.RSAPrivateKey)
        assert isinstance(public, rsa.RSAPublicKey)
        self.key, self.public = key, public

    def send(
        self,
        method: str,
        content: dict[str, Any],
        *,
        changes: dict[str, str] | None = None,
        in_query: bool = False,
        timeout: float = PATIENCE_S,
    ) -> Reply:
        """A signed call; ``changes`` are made after signing."""
        parameters = {
            "app_id": self.account["app_id"],
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m-%d %H:%M:%S}",
            "version": "1.0",
            "biz_content": json.dumps(content, ensure_ascii=False),
        }
        signed = "&".join(f"{name}={value}" for name, value in sorted(parameters.items())).encode()
        parameters["sign"] = base64.b64encode(self.key.sign(signed, padding.PKCS1v15(), SHA256())).decode()
        parameters |= changes or {}
        address = urlsplit(self.account["gateway_url"])
        if in_query:
            biz = urlencode({"biz_content": parameters.pop("biz_content")}).encode()
            return call(self.account["base_url"], "POST", f"{address.path}?{urlencode(parameters)}", biz, FORM, timeout)
        return call(self.account["base_url"], "POST", address.path, urlencode(parameters).encode(), FORM, timeout)

    def ask(self, method: str, content: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The verified response object."""
        reply = self.send(method, content, **more)
        assert reply.status == 200
        assert self.is_genuine(reply, method)
        body: dict[str, Any] = json.loads(reply.body)[f"{method.replace('.', '_')}_response"]
        return body

    def is_genuine(self, reply: Reply, method: str) -> bool:
        """Whether the raw text of the response object is what Alipay signed."""
        raw = reply.body.decode()
        head, separator = f'{{"{method.replace(".", "_")}_response":', ',"sign":"'
        start, end = len(head), raw.rfind(separator)
        if not raw.startswith(head) or end < 0:
            return False
        return self._verifies(raw[start:end], raw[end + len(separator) :].rstrip('"}'))

    def is_genuine_notice(self, notice: Reply) -> bool:
        """Whether Alipay signed this form."""
        form = dict(parse_qsl(notice.body.decode(), keep_blank_values=True))
        signed = {name: value for name, value in form.items() if value and name not in {"sign", "sign_type"}}
        text = "&".join(f"{name}={value}" for name, value in sorted(signed.items()))
        return form["sign_type"] == "RSA2" and self._verifies(text, form["sign"])

    def _verifies(self, text: str, sign: str) -> bool:
        try:
            self.public.verify(base64.b64decode(sign), text.encode(), padding.PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True

    def refund(self, request_no: str, amount: str, *, order_no: str = "A1", **more: Any) -> dict[str, Any]:
        """alipay.trade.refund, verified."""
        content = {"out_trade_no": order_no, "refund_amount": amount, "out_request_no": request_no, **more}
        return self.ask("alipay.trade.refund", content)

    def query(self, request_no: str, *, order_no: str = "A1", **more: Any) -> dict[str, Any]:
        """alipay.trade.fastpay.refund.query, verified."""
        content = {"out_trade_no": order_no, "out_request_no": request_no, **more}
        return self.ask("alipay.trade.fastpay.refund.query", content)
