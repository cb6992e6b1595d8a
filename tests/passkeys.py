"""An authenticator of software: what a browser answers to a challenge, as JSON."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from typing import Any, TypeVar

from allauth.core import context
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import RequestFactory
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode

from merchants.models import Staff
from merchants.principals import Principal, Shown, of_staff
from merchants.signing import MustSign

Result = TypeVar("Result")


class SoftKey:
    """One passkey for one site."""

    def __init__(self, host: str = "testserver") -> None:
        self._host = host
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = os.urandom(16)

    def make(self, options: str, *, origin: str = "") -> str:
        """The answer to ``navigator.credentials.create``."""
        client = self._client("webauthn.create", options, origin)
        cose = cbor.encode(dict(ES256.from_cryptography_key(self._key.public_key())))  # type: ignore[no-untyped-call]
        credential = bytes(16) + len(self._id).to_bytes(2, "big") + self._id + cose
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(0x45) + credential}
        return self._answer(clientDataJSON=client, attestationObject=cbor.encode(attestation))

    def show(self, options: str, *, origin: str = "") -> str:
        """The answer to ``navigator.credentials.get``."""
        client, data = self._client("webauthn.get", options, origin), self._data(0x05)
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _client(self, kind: str, options: str, origin: str) -> bytes:
        challenge = json.loads(options)["publicKey"]["challenge"]
        said = {"type": kind, "challenge": challenge, "origin": origin or f"https://{self._host}", "crossOrigin": False}
        return json.dumps(said).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self._host.encode()).digest() + bytes([flags]) + bytes(4)

    def _answer(self, **response: bytes) -> str:
        said: dict[str, Any] = {name: websafe_encode(value) for name, value in response.items()}
        own = websafe_encode(self._id)
        return json.dumps(
            {"id": own, "rawId": own, "type": "public-key", "response": said, "clientExtensionResults": {}}
        )


def with_passkey(staff: Staff) -> SoftKey:
    """A passkey that is this person's."""
    key = SoftKey()
    made = key.make(json.dumps({"publicKey": {"challenge": websafe_encode(os.urandom(32))}}))
    Authenticator.objects.create(
        user=staff, type=Authenticator.Type.WEBAUTHN, data={"name": "key", "credential": json.loads(made)}
    )
    return key


def signed(staff: Staff, key: SoftKey, act: Callable[[Principal], Result]) -> Result:
    """The act by this person, who is asked to sign it, and signs."""
    with context.request_context(RequestFactory().get("/", secure=True)):
        try:
            return act(of_staff(staff, Shown()))
        except MustSign as asked:
            return act(of_staff(staff, Shown(passkey=key.show(asked.passkey))))
