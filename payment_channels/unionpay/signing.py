"""UnionPay's signatures (signMethod 01): ours on requests, theirs on answers and notices.

Source: https://open.unionpay.com/tjweb/acproduct/list?apiservId=455 (签名机制). The signature is RSA-SHA256 over the
lower-case hexadecimal SHA-256 of the sorted ``k=v&...``: a hash of a hash. Answers bring their certificate along,
which counts only if it hangs on the configured root and names UnionPay.
"""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509 import BasicConstraints, Certificate, ExtensionNotFound, KeyUsage, load_pem_x509_certificate
from cryptography.x509.oid import NameOID

from payment_channels import rsa_keys
from payment_channels.parsing import Unreadable
from payment_channels.rsa_keys import SignatureInvalid
from payment_channels.unionpay.credentials import Credentials

_KEPT_CERTIFICATES = 16
_BRACKETS = {"{": 1, "[": 1, "}": -1, "]": -1}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signer:
    key: RSAPublicKey
    not_before: datetime
    not_after: datetime


class TrustedSigners:
    """The certificates that answers bring along, checked once each. Safe to use from many threads at once."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._lock = threading.Lock()
        self._checked: dict[str, _Signer] = {}

    def key_of(self, pem: str, *, at: datetime) -> RSAPublicKey:
        """The key of UnionPay's certificate. Raises ``SignatureInvalid``."""
        signer = self._checked.get(pem)
        if signer is None:
            signer = self._check(pem, at=at)
            with self._lock:
                if len(self._checked) >= _KEPT_CERTIFICATES:
                    self._checked.clear()
                self._checked[pem] = signer
        if not signer.not_before <= at <= signer.not_after:
            raise SignatureInvalid("bad_certificate", "the signer's certificate is not valid now")
        return signer.key

    def _check(self, pem: str, *, at: datetime) -> _Signer:
        try:
            certificate = load_pem_x509_certificate(pem.encode())
        except ValueError as error:
            raise SignatureInvalid("bad_certificate", "signPubKeyCert is not a certificate") from error
        self._check_chain(certificate, at=at)
        if _organisation(certificate) not in self._credentials.signers:
            raise SignatureInvalid("bad_certificate", "the signer is not UnionPay")
        _check_usage(certificate)
        return _Signer(
            key=rsa_keys.rsa_public_key_of(certificate),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
        )

    def _check_chain(self, certificate: Certificate, *, at: datetime) -> None:
        roots = self._credentials.roots
        if any(_issued(certificate, by=root, at=at) for root in roots):
            return
        for middle in self._credentials.middles:
            if _issued(certificate, by=middle, at=at) and any(_issued(middle, by=root, at=at) for root in roots):
                return
        raise SignatureInvalid("bad_certificate", "the signer's certificate does not hang on the configured root")


def signature_of(key: RSAPrivateKey, fields: Mapping[str, str]) -> str:
    """The ``signature`` of a request, over all other fields."""
    return rsa_keys.sign(key, _digest(fields))


def check(signers: TrustedSigners, *, fields: Mapping[str, str], at: datetime) -> None:
    """Check an answer's or notice's signature. Raises ``SignatureInvalid``."""
    signature, pem = fields.get("signature", ""), fields.get("signPubKeyCert", "")
    if not signature or not pem or fields.get("signMethod") != "01":
        raise SignatureInvalid("unsigned", "signature, signPubKeyCert or signMethod 01 is missing")
    rsa_keys.verify(signers.key_of(pem, at=at), _digest(fields), signature)


def open_answer(raw: bytes) -> dict[str, str]:
    """Read ``k=v&k=v``, which is not URL-encoded: an ``&`` within brackets belongs to the value.

    Raises ``Unreadable``.
    """
    try:
        text = raw.decode("utf-8").strip("\r\n")
    except UnicodeDecodeError as error:
        raise Unreadable("not UTF-8") from error
    fields: dict[str, str] = {}
    pending, depth = "", 0
    for part in text.split("&"):
        pending = f"{pending}&{part}" if pending else part
        depth += sum(part.count(bracket) * step for bracket, step in _BRACKETS.items())
        if depth > 0:
            continue
        _put(fields, pending)
        pending, depth = "", 0
    if pending:
        raise Unreadable("a bracket is left open")
    return fields


def open_notice(raw: bytes) -> dict[str, str]:
    """Read a notice's form, which is URL-encoded in the encoding that it names: that of whoever made the trade, which may be
    another system of the same merchant. Raises ``Unreadable``.
    """
    fields = _form(raw, encoding="utf-8", errors="replace")
    return _form(raw, encoding=_encoding_of(fields), errors="strict")


def _form(raw: bytes, *, encoding: str, errors: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, encoding=encoding, errors=errors, max_num_fields=200
        )
    except ValueError as error:
        raise Unreadable("not a form") from error
    fields = dict(pairs)
    if not fields or len(fields) != len(pairs):
        raise Unreadable("no field, or a field stands twice")
    return fields


def _encoding_of(fields: Mapping[str, str]) -> str:
    """That of a message's texts, in which it is signed. GB 18030 has all of GBK."""
    return "gb18030" if fields.get("encoding", "").upper() in ("GBK", "GB2312", "GB18030") else "utf-8"


def _put(fields: dict[str, str], pair: str) -> None:
    name, equals, value = pair.partition("=")
    if not equals or not name:
        raise Unreadable("not k=v&k=v")
    if name in fields:
        raise Unreadable("a field stands twice")
    fields[name] = value


def _digest(fields: Mapping[str, str]) -> bytes:
    joined = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "signature")
    return hashlib.sha256(joined.encode(_encoding_of(fields))).hexdigest().encode("ascii")


def _issued(certificate: Certificate, *, by: Certificate, at: datetime) -> bool:
    """Whether ``by`` is an authority, valid now, that signed ``certificate``."""
    if not by.not_valid_before_utc <= at <= by.not_valid_after_utc:
        return False
    try:
        constraints = by.extensions.get_extension_for_class(BasicConstraints).value
        certificate.verify_directly_issued_by(by)
    except (ExtensionNotFound, InvalidSignature, ValueError, TypeError):
        return False
    return constraints.ca


def _organisation(certificate: Certificate) -> str:
    """UnionPay's common names read ``041@Z2018@中国银联股份有限公司@...``."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    parts = str(names[0].value).split("@") if names else []
    return parts[2] if len(parts) > 2 else ""


def _check_usage(certificate: Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(KeyUsage).value
    except ExtensionNotFound:
        return
    except ValueError as error:
        raise SignatureInvalid("bad_certificate", "the certificate's extensions cannot be read") from error
    if not usage.digital_signature:
        raise SignatureInvalid("bad_certificate", "the certificate is not for signatures")
