"""The second factor: a code of an authenticator app (TOTP), a passkey (WebAuthn), or a recovery code.

What is shown and checked is django-allauth's (``allauth.mfa``); who needs one, that a code works once, and what is recorded is
ours (docs/adr/0039). Secrets are sealed; Redis is not needed. Passkeys of a browser keep their challenge in its session, which
allauth finds by itself.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.utils import decrypt
from allauth.mfa.webauthn.internal import auth as webauthn
from cryptography.exceptions import InvalidSignature
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AuthenticationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialRpEntity,
    UserVerificationRequirement,
)

from core.audit.record import record_of
from core.client_address import network_of
from core.errors import Conflict, Invalid, existing
from core.personal_data import seal, unseal
from merchants.models import Staff
from merchants.principals import Principal
from merchants.rights import TABLE, Act

#: Whoever may do one of these needs a second factor where the merchant requires it.
_NEEDED_FOR = (Act.APPROVE, Act.PAY_BY_HAND, Act.MANAGE_TEAM)
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
_PURPOSE = "staff.second_factor"
#: More than anybody carries.
MOST_PASSKEYS = 10


class Adapter(DefaultMFAAdapter):  # type: ignore[misc] # untyped library
    """What allauth asks of the house."""

    def encrypt(self, text: str) -> str:
        return base64.b64encode(seal(text, purpose=_PURPOSE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(base64.b64decode(encrypted_text), purpose=_PURPOSE)

    def get_totp_issuer(self) -> str:
        return "RefundDesk"

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        return {"id": str(user.pk).encode(), "display_name": user.name, "name": user.username}

    def _get_user_identifier(self, user: Any) -> str:
        return str(user.username)


@dataclass(frozen=True, slots=True)
class Factor:
    """``kind`` is ``totp`` or ``webauthn``, ``name`` a passkey's."""

    pk: int
    kind: str
    name: str
    added_at: datetime
    used_at: datetime | None


def is_required(staff: Staff) -> bool:
    """Whether the merchant lets nobody in with this role by a password alone."""
    return staff.merchant.requires_second_factor and any(TABLE[act].of_role(staff.role) for act in _NEEDED_FOR)


def factors(staff: Staff) -> list[Factor]:
    """Those that this person has, the oldest first."""
    rows = Authenticator.objects.filter(user_id=staff.pk, type__in=_FACTORS).order_by("pk")
    return [Factor(row.pk, row.type, row.data.get("name", ""), row.created_at, row.last_used_at) for row in rows]


def holders(*, merchant_id: int) -> frozenset[int]:
    """The ids of all of a merchant's people who have one."""
    rows = Authenticator.objects.filter(user__merchant_id=merchant_id, type__in=_FACTORS)
    return frozenset(rows.values_list("user_id", flat=True))


def recovery_codes_left(staff: Staff) -> int:
    """How many codes of the last set are unused; 0 without one."""
    row = _rows(staff).filter(type=Authenticator.Type.RECOVERY_CODES).first()
    return len(RecoveryCodes(row).get_unused_codes()) if row else 0


# --- showing one ------------------------------------------------------------------------------------------------------


@transaction.atomic
def check_code(*, staff: Staff, code: str, at: datetime) -> str:
    """The kind of factor whose code this is, "" for a wrong, old or used one. A code works once, also of two at once."""
    for row in _rows(staff).exclude(type=Authenticator.Type.WEBAUTHN).select_for_update().order_by("-type"):
        if _takes(row, code):
            Authenticator.objects.filter(pk=row.pk).update(last_used_at=at)
            return str(row.type)
    return ""


def _takes(row: Authenticator, code: str) -> bool:
    if row.type == Authenticator.Type.RECOVERY_CODES:
        return bool(RecoveryCodes(row).validate_code(code))
    period = _period_of(decrypt(row.data["secret"]), code)
    # Not remembered in the cache, as allauth does: a cache forgets.
    if period is None or period <= row.data.get("period", 0):
        return False
    row.data["period"] = period
    row.save(update_fields=["data"])
    return True


def _period_of(secret: str, code: str) -> int | None:
    """The period of 30 s whose code it is, of those around now."""
    for period in totp.yield_hotp_counters_from_time():
        if compare_user_code(actual=code, expected=totp.format_hotp_value(totp.hotp_value(secret, period))):
            return int(period)
    return None


def passkey_request(staff: Staff) -> str:
    """What the browser is asked, as JSON; "" for who has no passkey. The challenge is kept in the session."""
    if not _rows(staff).filter(type=Authenticator.Type.WEBAUTHN).exists():
        return ""
    return json.dumps(webauthn.begin_authentication(staff))


def check_passkey(*, staff: Staff, answer: str, at: datetime) -> bool:
    """Whether the browser's answer is to the challenge in the session, by a passkey of this person's. A challenge works once."""
    try:
        row = webauthn.complete_authentication(staff, _json(answer))
    except (ValidationError, ValueError, TypeError, KeyError):
        return False
    finally:
        webauthn.clear_state()
    Authenticator.objects.filter(pk=row.pk).update(last_used_at=at)
    return True


# --- signing with one -------------------------------------------------------------------------------------------------

#: Of a passkey that signs: presence is asked for; a finger, a face or its own code where it has them.
_VERIFIED = UserVerificationRequirement.PREFERRED


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a passkey answered. ``kept`` is all that proves it later, in base64: ``public_key``, ``client_data``,
    ``authenticator_data``, ``signature``. ``signed`` is the hash of what it signed, ``counter`` the key's own count (0: none).
    """

    kept: dict[str, str]
    credential: bytes
    signed: bytes
    counter: int


def signature_request(staff: Staff, challenge: bytes) -> str:
    """What the browser is asked so that a passkey of this person signs this challenge, as JSON; "" for who has none."""
    if not (credentials := webauthn.get_credentials(staff)):
        return ""
    asked, _state = webauthn.get_server().authenticate_begin(credentials, _VERIFIED, challenge)
    return json.dumps(dict(asked))


def check_signature(
    *, staff: Staff, answer: str, challenge: bytes, at: datetime, is_shown_again: bool = False
) -> Assertion | None:
    """The browser's answer, if a passkey of this person's signed this very challenge for this site.

    ``is_shown_again``: it was for this site when the browser gave it; now no browser asks, and nobody says which site that is.
    """
    state = {"challenge": websafe_encode(challenge), "user_verification": _VERIFIED}
    try:
        said = _json(answer)
        response = AuthenticationResponse.from_dict(said).response
        site = urlsplit(response.client_data.origin).hostname or ""
        server = (
            Fido2Server(PublicKeyCredentialRpEntity(id=site, name=site)) if is_shown_again else webauthn.get_server()
        )
        credential = server.authenticate_complete(state, webauthn.get_credentials(staff), said)
    except (ValueError, TypeError, KeyError):
        return None
    row = webauthn.get_authenticator_by_credential_id(staff, credential.credential_id)
    Authenticator.objects.filter(pk=row.pk).update(last_used_at=at)
    kept = {
        "public_key": cbor.encode(dict(credential.public_key)),
        "client_data": bytes(response.client_data),
        "authenticator_data": bytes(response.authenticator_data),
        "signature": response.signature,
    }
    return Assertion(
        {name: base64.b64encode(part).decode() for name, part in kept.items()},
        hashlib.sha256(credential.credential_id).digest(),
        # Not the signature itself: of one message there are several that are right.
        hashlib.sha256(kept["public_key"] + kept["authenticator_data"] + response.client_data.hash).digest(),
        response.authenticator_data.counter,
    )


def proves(kept: Mapping[str, str], challenge: bytes) -> bool:
    """Whether what was kept of an assertion is a passkey's signature over this challenge, for the site that asked."""
    try:
        key, client_data, authenticator_data, signature = (
            base64.b64decode(kept[name], validate=True)
            for name in ("public_key", "client_data", "authenticator_data", "signature")
        )
        client, data = CollectedClientData(client_data), AuthenticatorData(authenticator_data)
        site = hashlib.sha256((urlsplit(client.origin).hostname or "").encode()).digest()
        CoseKey.parse(cast("Mapping[int, Any]", cbor.decode(key))).verify(authenticator_data + client.hash, signature)
    except (ValueError, TypeError, KeyError, InvalidSignature):
        return False
    return (
        client.type == CollectedClientData.TYPE.GET
        and hmac.compare_digest(client.challenge, challenge)
        and hmac.compare_digest(data.rp_id_hash, site)
        and data.is_user_present()
    )


def public_keys(merchant_ids: Iterable[int]) -> dict[bytes, tuple[int, str]]:
    """The passkeys of merchants' people by the hash of their id: whose it is, and its public key in base64."""
    rows = Authenticator.objects.filter(user__merchant_id__in=set(merchant_ids), type=Authenticator.Type.WEBAUTHN)
    found = {}
    for row in rows:
        credential = row.wrap().authenticator_data.credential_data
        key = base64.b64encode(cbor.encode(dict(credential.public_key))).decode()
        found[hashlib.sha256(credential.credential_id).digest()] = (row.user_id, key)
    return found


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError("an answer of a browser is not nested so deeply") from error
    if not isinstance(found, dict):
        raise TypeError("an answer of a browser is an object")
    return found


# --- having one -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Offer:
    """What a person is shown who sets up a second factor: the app's secret, its address for the QR, and what the browser is asked
    for a passkey, as JSON ("" where the site has no name). Kept in the session until one is added.
    """

    secret: str
    address: str
    passkey: str


def offer(*, request: HttpRequest, staff: Staff) -> Offer:
    has_app = _rows(staff).filter(type=Authenticator.Type.TOTP).exists()
    secret = "" if has_app else totp.get_totp_secret()
    passkey = json.dumps(webauthn.begin_registration(staff, passwordless=False)) if _has_name(request) else ""
    return Offer(secret, Adapter().build_totp_url(staff, secret) if secret else "", passkey)


def _has_name(request: HttpRequest) -> bool:
    """Passkeys belong to a site's name; browsers make none for an address such as 127.0.0.1."""
    return not network_of(request.get_host())


def add_app(*, request: HttpRequest, code: str, by: Principal, at: datetime) -> tuple[str, ...]:
    """Keep the offered secret, proven by a code of it, and return recovery codes where this person has none yet. Raises
    ``Invalid`` for a wrong code.
    """
    secret = totp.get_totp_secret()
    period = _period_of(secret, code)
    if period is None:
        raise Invalid("the code does not belong to the secret", code="second_factor_wrong")
    with transaction.atomic():
        staff = _locked(by)
        if _rows(staff).filter(type=Authenticator.Type.TOTP).exists():
            raise Conflict("there is an app already", code="second_factor_there")
        row = totp.TOTP.activate(staff, secret).instance
        row.data["period"] = period
        row.save(update_fields=["data"])
        codes = _added(staff, "totp", by=by, at=at)
    totp.clear_totp_secret(request)
    return codes


def add_passkey(*, name: str, answer: str, by: Principal, at: datetime) -> tuple[str, ...]:
    """Keep the passkey that the browser made, and return recovery codes where this person has none yet. Raises ``Invalid``."""
    try:
        credential = _json(answer)
        webauthn.complete_registration(credential)
    except (ValidationError, ValueError, TypeError, KeyError) as error:
        raise Invalid("the browser's answer is not to this challenge", code="second_factor_wrong") from error
    finally:
        webauthn.clear_state()
    with transaction.atomic():
        staff = _locked(by)
        if _rows(staff).filter(type=Authenticator.Type.WEBAUTHN).count() >= MOST_PASSKEYS:
            raise Conflict("there are many passkeys already", code="second_factor_there")
        webauthn.WebAuthn.add(staff, name, credential)
        return _added(staff, "webauthn", by=by, at=at)


def _added(staff: Staff, kind: str, *, by: Principal, at: datetime) -> tuple[str, ...]:
    record_of(staff, by=by.actor, action="staff.second_factor_add", at=at, data={"kind": kind})
    if _rows(staff).filter(type=Authenticator.Type.RECOVERY_CODES).exists():
        return ()
    return tuple(RecoveryCodes.activate(staff).generate_codes())


@transaction.atomic
def remove(*, factor_id: int, by: Principal, at: datetime) -> None:
    """Take one away. Raises ``NotFound``, or ``Conflict`` for the last one of who needs one."""
    staff = _locked(by)
    row = existing(_rows(staff).filter(pk=factor_id, type__in=_FACTORS).first(), "second factor")
    last = _rows(staff).filter(type__in=_FACTORS).count() == 1
    if last and is_required(staff):
        raise Conflict("the merchant requires a second factor", code="second_factor_required")
    # Without a factor there is nothing to recover.
    (_rows(staff) if last else _rows(staff).filter(pk=factor_id)).delete()
    record_of(staff, by=by.actor, action="staff.second_factor_remove", at=at, data={"kind": row.type})


@transaction.atomic
def new_recovery_codes(*, by: Principal, at: datetime) -> tuple[str, ...]:
    """Ten new ones; the old ones are void. Raises ``Conflict`` without a factor that they could stand in for."""
    staff = _locked(by)
    if not _rows(staff).filter(type__in=_FACTORS).exists():
        raise Conflict("there is nothing to recover", code="second_factor_none")
    _rows(staff).filter(type=Authenticator.Type.RECOVERY_CODES).delete()
    record_of(staff, by=by.actor, action="staff.recovery_codes", at=at)
    return tuple(RecoveryCodes.activate(staff).generate_codes())


def clear(staff: Staff) -> None:
    """Take all away; ``merchants.team`` has asked two people."""
    _rows(staff).delete()


def _rows(staff: Staff) -> Any:
    return Authenticator.objects.filter(user_id=staff.pk)


def _locked(by: Principal) -> Staff:
    return Staff.objects.select_for_update(of=("self",)).select_related("merchant").get(pk=by.acting_staff)
