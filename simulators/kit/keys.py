"""Keys and certificates, made at first start and kept in the state directory with mode 0600."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

KEY_BITS = 2048


def private_key(path: Path) -> rsa.RSAPrivateKey:
    """The RSA key in this PKCS#8 file, made when there is none."""
    if path.exists():
        loaded = serialization.load_pem_private_key(path.read_bytes(), None)
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise TypeError(f"{path} is not an RSA key")
        return loaded
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    write_private(path, private_pem(key))
    return key


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    """PKCS#8, unencrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: rsa.RSAPublicKey) -> bytes:
    """SubjectPublicKeyInfo."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def write_private(path: Path, content: bytes) -> None:
    """Write atomically, readable by the owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)


def remembered_text(path: Path, make: str) -> str:
    """The text in this file, or ``make`` written there."""
    if not path.exists():
        write_private(path, make.encode())
    return path.read_text()


def random_text(length: int) -> str:
    """Letters and digits, e.g. an APIv3 key of 32."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
    return "".join(secrets.choice(alphabet) for _ in range(length))


def certificate(
    *,
    key: rsa.RSAPublicKey,
    common_name: str,
    issuer_key: rsa.RSAPrivateKey,
    issuer: x509.Certificate | None = None,
    authority: bool = False,
    days: int = 1825,
) -> x509.Certificate:
    """A certificate by ``issuer``, or self-signed without one; an ``authority`` may sign others."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Simulator"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    start = datetime.now(UTC) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer is not None else subject)
        .public_key(key)
        # Always forty hexadecimal digits, as the vendors' are: SDKs drop leading zeros when they name a serial.
        .serial_number(x509.random_serial_number() | 1 << 156)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def kept_certificate(path: Path, made: x509.Certificate | None = None) -> x509.Certificate | None:
    """The certificate in this file; when there is none, ``made`` is written there."""
    if path.exists():
        return x509.load_pem_x509_certificate(path.read_bytes())
    if made is not None:
        write_private(path, made.public_bytes(serialization.Encoding.PEM))
    return made
