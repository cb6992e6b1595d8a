"""Certificate mode: the platform's certificates, downloaded when an unknown serial turns up.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012551764. A new certificate is published before it is
used, so asking on the first unknown serial is early enough.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate

from payment_channels import rsa_keys
from payment_channels.parsing import Unreadable, instant, json_object, member, text
from payment_channels.rsa_keys import SignatureInvalid
from payment_channels.transport import Reply, TransportFailed
from payment_channels.wechat import signing
from payment_channels.wechat.credentials import PublicKey

# A forged notice may name any serial: it must not make us ask more often than this.
_ASK_AGAIN_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformCertificate:
    """One downloaded certificate's key and lifetime."""

    serial: str
    key: RSAPublicKey
    effective_at: datetime
    expires_at: datetime


class RotatingCertificates:
    """The certificates known so far. ``download`` performs ``GET /v3/certificates`` unverified."""

    def __init__(self, *, api_v3_key: bytes, download: Callable[[], Reply]) -> None:
        self._api_v3_key = api_v3_key
        self._download = download
        self._lock = threading.Lock()
        self._known: dict[str, PlatformCertificate] = {}
        self._asked_at: datetime | None = None

    def key_for(self, serial: str, *, at: datetime) -> RSAPublicKey:
        """See ``PlatformKeys``."""
        if serial not in self._known:
            self._refresh(at=at, unless_known=serial)
        found = self._known.get(serial)
        if found is None or not found.effective_at <= at < found.expires_at:
            raise SignatureInvalid("wrong_serial", "signed with an unknown or expired certificate")
        return found.key

    def encryption_key(self, *, at: datetime) -> PublicKey:
        """See ``PlatformKeys``."""
        if not self._valid(at=at):
            self._refresh(at=at, unless_known="")
        valid = self._valid(at=at)
        if not valid:
            raise SignatureInvalid("wrong_serial", "no platform certificate is known")
        newest = max(valid, key=lambda certificate: certificate.effective_at)
        return PublicKey(key_id=newest.serial, key=newest.key)

    def _valid(self, *, at: datetime) -> list[PlatformCertificate]:
        return [found for found in self._known.values() if found.effective_at <= at < found.expires_at]

    def _refresh(self, *, at: datetime, unless_known: str) -> None:
        with self._lock:
            if unless_known in self._known:  # another thread was quicker
                return
            if self._asked_at is not None and abs(at - self._asked_at) < _ASK_AGAIN_AFTER:
                return
            self._asked_at = at
            try:
                reply = self._download()
                found = _read_certificates(reply, api_v3_key=self._api_v3_key)
                # The answer is signed with one of the certificates in it; the APIv3 key vouches for those.
                signing.check(_Among(found), headers=reply.headers, body=reply.body, at=at)
            except (TransportFailed, Unreadable) as error:
                raise SignatureInvalid("wrong_serial", "the platform's certificates cannot be had") from error
            self._known = {**self._known, **found}


class _Among:
    """The certificates of one download, to check the download itself."""

    def __init__(self, certificates: dict[str, PlatformCertificate]) -> None:
        self._certificates = certificates

    def key_for(self, serial: str, *, at: datetime) -> RSAPublicKey:
        """The key of ``serial``; lifetimes are checked when it is used."""
        if serial not in self._certificates:
            raise SignatureInvalid("wrong_serial", "the certificates are signed by none of them")
        return self._certificates[serial].key


def _read_certificates(reply: Reply, *, api_v3_key: bytes) -> dict[str, PlatformCertificate]:
    if reply.status != 200:
        raise Unreadable(f"HTTP {reply.status}")
    rows = json_object(reply.body).get("data")
    if not isinstance(rows, list):
        raise Unreadable("data is not a list")
    found: dict[str, PlatformCertificate] = {}
    for row in rows:
        if not isinstance(row, dict):
            raise Unreadable("data holds something else than objects")
        pem = signing.decrypt(api_v3_key, member(row, "encrypt_certificate"))
        try:
            certificate = load_pem_x509_certificate(pem)
        except ValueError as error:
            raise Unreadable("not a certificate") from error
        serial = text(row, "serial_no")
        if certificate.serial_number != _serial_number(serial):
            raise Unreadable("serial_no is not the certificate's")
        found[serial] = PlatformCertificate(
            serial=serial,
            key=rsa_keys.rsa_public_key_of(certificate),
            effective_at=instant(row, "effective_time"),
            expires_at=instant(row, "expire_time"),
        )
    return found


def _serial_number(serial: str) -> int:
    try:
        return int(serial, 16)
    except ValueError as error:
        raise Unreadable("serial_no is not hexadecimal") from error
