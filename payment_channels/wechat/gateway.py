"""One signed call to WeChat Pay: sign, send, check what comes back."""

from payment_channels.clock import Clock
from payment_channels.transport import Reply, Transport
from payment_channels.wechat import signing
from payment_channels.wechat.certificates import RotatingCertificates
from payment_channels.wechat.credentials import Credentials
from payment_channels.wechat.signing import KeyAndCertificates, PlatformKeys

_USER_AGENT = "refunddesk"


class Gateway:
    """WeChat Pay as one merchant reaches it. Safe to use from many threads at once."""

    def __init__(self, *, credentials: Credentials, transport: Transport, clock: Clock) -> None:
        self._credentials = credentials
        self._clock = clock
        self.transport = transport
        certificates = RotatingCertificates(
            api_v3_key=credentials.api_v3_key,
            download=lambda: self._send(method="GET", target="/v3/certificates", body=b"", serial=""),
        )
        self.keys: PlatformKeys = (
            KeyAndCertificates(credentials.public_key, certificates) if credentials.public_key else certificates
        )
        # Tells WeChat Pay which of its keys to sign the answer with.
        self._our_choice = credentials.public_key.key_id if credentials.public_key else ""

    def call(self, *, method: str, target: str, body: bytes = b"", serial: str = "") -> Reply:
        """Send a signed request and check the answer's signature.

        ``serial`` names the key that personal data in ``body`` is encrypted with. An answer of 500 and above
        comes back unchecked, because nothing may be concluded from it anyway.
        Raises ``TransportFailed`` and ``SignatureInvalid``.
        """
        reply = self._send(method=method, target=target, body=body, serial=serial or self._our_choice)
        if reply.status < 500:
            with self.transport.checking(reply):
                signing.check(self.keys, headers=reply.headers, body=reply.body, at=self._clock())
        return reply

    def download_headers(self, *, target: str) -> dict[str, str]:
        """Headers of a bill's download, whose answer carries no signature."""
        return self._headers(method="GET", target=target, body=b"", serial="")

    def _send(self, *, method: str, target: str, body: bytes, serial: str) -> Reply:
        signed_target = self.transport.prefix + target
        headers = self._headers(method=method, target=signed_target, body=body, serial=serial)
        return self.transport.send(method=method, target=target, headers=headers, body=body or None)

    def _headers(self, *, method: str, target: str, body: bytes, serial: str) -> dict[str, str]:
        headers = {
            "Authorization": signing.authorization(
                self._credentials, method=method, target=target, body=body, at=self._clock()
            ),
            "Accept": "application/json",
            "User-Agent": _USER_AGENT,
        }
        if body:
            headers["Content-Type"] = "application/json"
        if serial:
            headers["Wechatpay-Serial"] = serial
        return headers
