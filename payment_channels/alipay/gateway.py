"""One signed call to Alipay: sign, send, check what comes back."""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from payment_channels.alipay import signing
from payment_channels.alipay.credentials import Credentials
from payment_channels.clock import BEIJING, Clock
from payment_channels.parsing import Unreadable
from payment_channels.transport import Answer as CheckedAnswer
from payment_channels.transport import ServerError, Transport

_PATH = "/gateway.do"
_USER_AGENT = "refunddesk"


Answer = CheckedAnswer[Mapping[str, object]]


class Gateway:
    """Alipay as one application reaches it. Safe to use from many threads at once."""

    def __init__(self, *, credentials: Credentials, transport: Transport, clock: Clock) -> None:
        self._credentials = credentials
        self._clock = clock
        self.transport = transport

    def call(self, *, method: str, content: Mapping[str, object]) -> Answer:
        """Send a signed request and check the answer's signature.

        Raises ``TransportFailed``, ``SignatureInvalid``, ``ServerError`` and ``Unreadable``.
        """
        parameters = self._parameters(method=method, content=content)
        # The common parameters go into the address, because Alipay reads the charset there before the body.
        biz_content = parameters.pop("biz_content")
        reply = self.transport.send(
            method="POST",
            target=f"{_PATH}?{urlencode(parameters)}",
            headers={
                "Content-Type": "application/x-www-form-urlencoded;charset=utf-8",
                "Accept": "application/json",
                "User-Agent": _USER_AGENT,
            },
            body=urlencode({"biz_content": biz_content}).encode("ascii"),
        )
        if reply.status >= 500:
            raise ServerError(reply.said())
        if reply.status != 200:
            raise Unreadable(reply.said())
        with self.transport.checking(reply):
            envelope = signing.open_answer(reply.body, method=method)
            signing.check_answer(self._credentials.keys_of, envelope)
        return Answer(envelope.body, envelope.signed.decode("utf-8"))

    def _parameters(self, *, method: str, content: Mapping[str, object]) -> dict[str, str]:
        parameters = {
            "app_id": self._credentials.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": signing.SIGN_TYPE,
            "timestamp": self._clock().astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
            "biz_content": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        }
        if self._credentials.app_cert_sn:
            parameters["app_cert_sn"] = self._credentials.app_cert_sn
            parameters["alipay_root_cert_sn"] = self._credentials.alipay_root_cert_sn
        if self._credentials.app_auth_token:
            parameters["app_auth_token"] = self._credentials.app_auth_token
        parameters["sign"] = signing.sign_request(self._credentials.app_key, parameters)
        return parameters
