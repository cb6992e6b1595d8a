"""An Alipay application's credentials, read once: loading an RSA key takes 50 ms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from payment_channels import rsa_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who we are and how we know Alipay.

    Keys may be PEM or the bare Base64 of Alipay's key tool. ``app_auth_token`` is set for a service provider
    that acts for a merchant.
    """

    app_id: str
    app_key: RSAPrivateKey
    alipay_key: RSAPublicKey
    app_auth_token: str

    @classmethod
    def parse(cls, stored: Mapping[str, str]) -> Self:
        """Read stored credentials. Raises ``CredentialsInvalid``."""
        return cls(
            app_id=rsa_keys.required(stored, "app_id"),
            app_key=rsa_keys.private_key(stored, "app_private_key"),
            alipay_key=rsa_keys.public_key(stored, "alipay_public_key"),
            app_auth_token=stored.get("app_auth_token", ""),
        )
