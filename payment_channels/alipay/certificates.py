"""Alipay's certificates (公钥证书模式): who signs is named by a certificate's SN, on both sides.

Source: https://opendocs.alipay.com/common/056zub (序列号): the MD5 of the issuer's name (RFC 2253, so that the last part comes
first) and the decimal serial number; of a root file, those of its RSA certificates joined by ``_``.
"""

import hashlib
import re
from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509 import BasicConstraints, Certificate, ExtensionNotFound, load_pem_x509_certificate

from payment_channels import rsa_keys
from payment_channels.contract import CredentialsInvalid
from payment_channels.rsa_keys import SignatureInvalid

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
#: PKCS #1: the root file has others beside, such as SM2.
_RSA = "1.2.840.113549.1.1."


def serial_of(certificate: Certificate) -> str:
    """A certificate's SN."""
    said = f"{certificate.issuer.rfc4514_string()}{certificate.serial_number}"
    return hashlib.md5(said.encode(), usedforsecurity=False).hexdigest()


def root_serial(stored: Mapping[str, str], name: str) -> str:
    """The SN of the root file under ``name``. Raises ``CredentialsInvalid``."""
    serials = [
        serial_of(one) for one in _read(stored, name) if one.signature_algorithm_oid.dotted_string.startswith(_RSA)
    ]
    if not serials:
        raise CredentialsInvalid(f"{name} has no RSA certificate")
    return "_".join(serials)


def serial_for(key: RSAPrivateKey, stored: Mapping[str, str], name: str) -> str:
    """The SN of the certificate that speaks for our key; the file has those of its issuers beside it. Raises
    ``CredentialsInvalid``.
    """
    own = next((one for one in _read(stored, name) if _key_of(one) == key.public_key()), None)
    if own is None:
        raise CredentialsInvalid(f"{name} does not belong to app_private_key")
    return serial_of(own)


def keys_by_serial(stored: Mapping[str, str], name: str) -> dict[str, RSAPublicKey]:
    """The keys that Alipay signs with, by SN: one or, while it changes its own, several. Raises ``CredentialsInvalid``."""
    found = {serial_of(one): key for one in _read(stored, name) if not _is_authority(one) and (key := _key_of(one))}
    if not found:
        raise CredentialsInvalid(f"{name} has no RSA certificate that signs messages")
    return found


def _read(stored: Mapping[str, str], name: str) -> list[Certificate]:
    found = []
    for pem in _PEM.findall(rsa_keys.required(stored, name)):
        try:
            found.append(load_pem_x509_certificate(pem.encode()))
        except ValueError:  # of a kind that nobody here signs with
            continue
    if not found:
        raise CredentialsInvalid(f"{name} is not a PEM certificate")
    return found


def _key_of(certificate: Certificate) -> RSAPublicKey | None:
    try:
        return rsa_keys.rsa_public_key_of(certificate)
    except (SignatureInvalid, ValueError, UnsupportedAlgorithm):
        return None


def _is_authority(certificate: Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except (ExtensionNotFound, ValueError):
        return False
