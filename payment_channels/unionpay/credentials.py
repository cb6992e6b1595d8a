"""A UnionPay merchant's credentials, read once: loading an RSA key takes 50 ms."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates
from cryptography.x509 import Certificate, load_pem_x509_certificates

from payment_channels import rsa_keys
from payment_channels.contract import CredentialsInvalid

#: Who may sign as UnionPay: the third part of the certificate's common name, in production and in its test system.
#: Every merchant's certificate hangs on the same root, so that the chain alone would not tell them apart.
IDENTITIES = ("中国银联股份有限公司", "00040000:SIGN")
_PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who we are and how we know UnionPay.

    Stored: ``mer_id``; ``sign_certificate`` (PEM) with ``sign_private_key`` (PEM, or both in one text), or
    ``sign_pfx`` (Base64) with ``sign_pfx_password``; ``root_certificate`` and optional ``middle_certificate`` (one or
    more PEM each: while UnionPay changes its own, answers hang on the old or the new); optional ``access_type``,
    ``acq_ins_code`` and ``signer`` (overrides ``IDENTITIES``).
    """

    mer_id: str
    access_type: str
    acq_ins_code: str
    sign_key: RSAPrivateKey
    cert_id: str
    roots: tuple[Certificate, ...]
    middles: tuple[Certificate, ...]
    signers: tuple[str, ...]

    @classmethod
    def parse(cls, stored: Mapping[str, str]) -> Self:
        """Read stored credentials. Raises ``CredentialsInvalid``."""
        key, certificate = _from_pfx(stored) if stored.get("sign_pfx") else _from_pem(stored)
        if key.public_key() != certificate.public_key():
            raise CredentialsInvalid("sign_certificate does not belong to sign_private_key")
        signer = stored.get("signer", "")
        return cls(
            mer_id=rsa_keys.required(stored, "mer_id"),
            access_type=stored.get("access_type", "") or "0",
            acq_ins_code=stored.get("acq_ins_code", ""),
            sign_key=key,
            cert_id=str(certificate.serial_number),
            roots=_certificates("root_certificate", rsa_keys.required(stored, "root_certificate")),
            middles=_certificates("middle_certificate", stored.get("middle_certificate", "").strip()),
            signers=(signer,) if signer else IDENTITIES,
        )


def _from_pem(stored: Mapping[str, str]) -> tuple[RSAPrivateKey, Certificate]:
    certificate = rsa_keys.certificate(stored, "sign_certificate")
    if not stored.get("sign_private_key"):
        found = _PRIVATE_KEY.search(stored["sign_certificate"])
        stored = {"sign_private_key": found[0] if found else ""}
    return rsa_keys.private_key(stored, "sign_private_key"), certificate


def _from_pfx(stored: Mapping[str, str]) -> tuple[RSAPrivateKey, Certificate]:
    try:
        packed = base64.b64decode(rsa_keys.required(stored, "sign_pfx"), validate=True)
        key, certificate, _ = load_key_and_certificates(packed, stored.get("sign_pfx_password", "").encode())
    except (ValueError, binascii.Error) as error:
        raise CredentialsInvalid("sign_pfx cannot be opened with sign_pfx_password") from error
    if not isinstance(key, RSAPrivateKey) or certificate is None:
        raise CredentialsInvalid("sign_pfx holds no RSA key with its certificate")
    return key, certificate


def _certificates(name: str, pem: str) -> tuple[Certificate, ...]:
    try:
        return tuple(load_pem_x509_certificates(pem.encode())) if pem else ()
    except ValueError as error:
        raise CredentialsInvalid(f"{name} is not PEM") from error
