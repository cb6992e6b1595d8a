"""One signed call to UnionPay: sign, send, check what comes back."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from payment_channels.clock import Clock
from payment_channels.parsing import Unreadable
from payment_channels.transport import MAX_REPLY_BYTES, Reply, ServerError, Transport
from payment_channels.transport import Answer as CheckedAnswer
from payment_channels.unionpay import messages, signing
from payment_channels.unionpay.credentials import Credentials

_USER_AGENT = "refunddesk"


Answer = CheckedAnswer[Mapping[str, str]]


class Gateway:
    """UnionPay as one merchant reaches it. Safe to use from many threads at once."""

    def __init__(self, *, credentials: Credentials, transport: Transport, clock: Clock) -> None:
        self._credentials = credentials
        self._clock = clock
        self.transport = transport
        self.signers = signing.TrustedSigners(credentials)

    def call(
        self,
        *,
        target: str,
        fields: Mapping[str, str],
        transport: Transport | None = None,
        max_bytes: int = MAX_REPLY_BYTES,
    ) -> Answer:
        """Send signed fields and check the answer's signature. ``transport`` is another one for files.

        Raises ``TransportFailed``, ``SignatureInvalid``, ``ServerError`` and ``Unreadable``.
        """
        reply = (transport or self.transport).send(
            method="POST",
            target=target,
            headers={
                "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
                "User-Agent": _USER_AGENT,
            },
            body=urlencode(self._signed(fields)).encode("ascii"),
            max_bytes=max_bytes,
        )
        if reply.status >= 500:
            raise ServerError(reply.said())
        if reply.status != 200:
            raise Unreadable(reply.said())
        with self.transport.checking(_result_first(reply)):
            answered = signing.open_answer(reply.body)
            signing.check(self.signers, fields=answered, at=self._clock())
        return Answer(answered, messages.hide_cards(reply.body.decode("utf-8")))

    def _signed(self, fields: Mapping[str, str]) -> dict[str, str]:
        whole = {
            "version": "5.1.0",
            "encoding": "UTF-8",
            "signMethod": "01",
            "certId": self._credentials.cert_id,
            "accessType": self._credentials.access_type,
            "merId": self._credentials.mer_id,
            "acqInsCode": self._credentials.acq_ins_code,
            **fields,
        }
        whole = {name: value for name, value in whole.items() if value}
        return {**whole, "signature": signing.signature_of(self._credentials.sign_key, whole)}


def _result_first(reply: Reply) -> Reply:
    """For people to read: what the answer says of the request stands behind so many fields that it would be cut off."""
    before, found, after = reply.body.partition(b"respCode=")
    return replace(reply, body=found + after + b"&" + before) if found else reply
