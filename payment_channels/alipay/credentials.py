"""An Alipay application's credentials, read once: loading an RSA key takes 50 ms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from payment_channels import rsa_keys
from payment_channels.alipay import certificates
from payment_channels.rsa_keys import SignatureInvalid

#: Stored together where the application signs with certificates; ``alipay_public_key`` is not needed then.
_CERTIFICATES = ("app_certificate", "alipay_certificate", "alipay_root_certificate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who we are and how we know Alipay.

    Keys may be PEM or the bare Base64 of Alipay's key tool. ``app_auth_token`` is set for a service provider
    that acts for a merchant. ``alipay_keys`` are by the SN of their certificate; in the mode without certificates there is one,
    without a name. ``app_cert_sn`` and ``alipay_root_cert_sn`` are empty then.
    """

    app_id: str
    app_key: RSAPrivateKey
    alipay_keys: Mapping[str, RSAPublicKey]
    app_auth_token: str
    app_cert_sn: str = ""
    alipay_root_cert_sn: str = ""

    @classmethod
    def parse(cls, stored: Mapping[str, str]) -> Self:
        """Read stored credentials. Raises ``CredentialsInvalid``."""
        app_id = rsa_keys.required(stored, "app_id")
        app_key = rsa_keys.private_key(stored, "app_private_key")
        token = stored.get("app_auth_token", "")
        if not any(stored.get(name, "").strip() for name in _CERTIFICATES):
            key = rsa_keys.public_key(stored, "alipay_public_key")
            return cls(app_id=app_id, app_key=app_key, alipay_keys={"": key}, app_auth_token=token)
        return cls(
            app_id=app_id,
            app_key=app_key,
            alipay_keys=certificates.keys_by_serial(stored, "alipay_certificate"),
            app_auth_token=token,
            app_cert_sn=certificates.serial_for(app_key, stored, "app_certificate"),
            alipay_root_cert_sn=certificates.root_serial(stored, "alipay_root_certificate"),
        )

    def keys_of(self, cert_sn: str) -> list[RSAPublicKey]:
        """Which of Alipay's keys may have signed a message that names ``cert_sn``, or no certificate. Raises
        ``SignatureInvalid`` for one that is not stored.
        """
        if not cert_sn or not self.app_cert_sn:
            return list(self.alipay_keys.values())
        if cert_sn not in self.alipay_keys:
            raise SignatureInvalid(
                "wrong_serial", f"signed under Alipay's certificate {cert_sn[:40]}, which is not stored"
            )
        return [self.alipay_keys[cert_sn]]
