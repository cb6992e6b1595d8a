"""A WeChat Pay merchant's credentials, read once: loading an RSA key takes 50 ms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from payment_channels import rsa_keys
from payment_channels.contract import CredentialsInvalid

_API_V3_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """WeChat Pay's own key, handed to the merchant by hand; its id stands where a serial would."""

    key_id: str
    key: RSAPublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who we are and how we know WeChat Pay.

    Without ``public_key`` the platform's certificates are downloaded. ``sub_mchid`` is set for a service
    provider that acts for a merchant.
    """

    mchid: str
    sub_mchid: str
    merchant_serial: str
    merchant_key: RSAPrivateKey
    api_v3_key: bytes
    public_key: PublicKey | None

    @classmethod
    def parse(cls, stored: Mapping[str, str]) -> Self:
        """Read stored credentials. Raises ``CredentialsInvalid``."""
        api_v3_key = rsa_keys.required(stored, "api_v3_key").encode()
        if len(api_v3_key) != _API_V3_KEY_BYTES:
            raise CredentialsInvalid(f"api_v3_key must have {_API_V3_KEY_BYTES} bytes")
        has_public_key = bool(stored.get("public_key_id") or stored.get("public_key"))
        return cls(
            mchid=rsa_keys.required(stored, "mchid"),
            sub_mchid=stored.get("sub_mchid", ""),
            merchant_serial=rsa_keys.required(stored, "merchant_serial"),
            merchant_key=rsa_keys.private_key(stored, "merchant_private_key"),
            api_v3_key=api_v3_key,
            public_key=PublicKey(
                key_id=rsa_keys.required(stored, "public_key_id"), key=rsa_keys.public_key(stored, "public_key")
            )
            if has_public_key
            else None,
        )
