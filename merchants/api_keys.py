"""Issuing, rotating, revoking and recognising API keys."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from core.audit.record import record
from core.errors import Conflict, Forbidden, Invalid
from core.personal_data import unseal
from merchants.models import ApiKey, Merchant, Role, Scope, Staff, Store

_PREFIX = "rdk_"
#: How long a rotated key may work on beside the new one, by name.
OVERLAPS: dict[str, timedelta] = {
    "0": timedelta(0),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}
DEFAULT_OVERLAP = OVERLAPS["24h"]
MAY_MANAGE = frozenset({Role.OWNER, Role.MANAGER})


class KeyReplaced(Conflict):
    """The key was rotated or revoked before."""

    code = "key_replaced"


@dataclass(frozen=True, slots=True)
class Client:
    """Who a request with a valid key comes from."""

    key_id: int
    key_name: str
    merchant_id: int
    store_id: int | None
    created_by_id: int | None
    rate_limit: int | None
    scopes: frozenset[str]
    signing_secret: str


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


@transaction.atomic
def issue(
    *,
    merchant: Merchant,
    name: str,
    scopes: Sequence[str],
    by: Staff,
    at: datetime,
    store: Store | None = None,
    signed: bool = False,
    rate_limit: int | None = None,
) -> tuple[ApiKey, str, str]:
    """Make a key. Returns the row, the key and the signing secret ("" unless ``signed``): the only time both are seen."""
    check_may_manage(by=by, merchant=merchant)
    unknown = set(scopes) - set(Scope.values)
    if unknown or not scopes:
        raise Invalid(f"unknown scopes: {', '.join(sorted(unknown)) or 'none given'}", code="unknown_scope")
    if store is not None and store.merchant_id != merchant.pk:
        raise Invalid("the store belongs to another merchant", code="unknown_store")
    key = _PREFIX + secrets.token_urlsafe(32)
    signing_secret = secrets.token_hex(32) if signed else ""
    row = ApiKey.objects.create(
        merchant=merchant,
        store=store,
        name=name,
        prefix=key[:12],
        hash=_hash(key),
        scopes=sorted(scopes),
        signing_secret=signing_secret,
        rate_limit=rate_limit,
        created_by=by,
        created_at=at,
    )
    record(
        merchant_id=merchant.pk,
        by=by.actor,
        action="api_key.issue",
        object_type="api_key",
        object_id=row.pk,
        at=at,
        data={"name": name, "scopes": sorted(scopes), "prefix": row.prefix},
    )
    return row, key, signing_secret


@transaction.atomic
def revoke(*, key: ApiKey, by: Staff, at: datetime, typed_name: str) -> None:
    """The key is dead from now on, also within the overlap of a rotation. Revoking twice changes nothing.

    ``typed_name`` is the key's name as the person typed it: Raises ``Invalid`` for another one.
    """
    check_may_manage(by=by, merchant=key.merchant)
    _check_typed(key, typed_name)
    if ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=at):
        record(
            merchant_id=key.merchant_id,
            by=by.actor,
            action="api_key.revoke",
            object_type="api_key",
            object_id=key.pk,
            at=at,
            data={"prefix": key.prefix},
        )


@transaction.atomic
def rotate(
    *, key: ApiKey, by: Staff, at: datetime, typed_name: str, overlap: timedelta = DEFAULT_OVERLAP
) -> tuple[ApiKey, str, str]:
    """A new key with the same name, scopes and store; the old one works on for ``overlap``, one of ``OVERLAPS``.

    Returns what ``issue`` returns. Raises ``Invalid`` as ``revoke`` does, and ``KeyReplaced`` for a key that was rotated or
    revoked before: two people who rotate at once make one new key.
    """
    check_may_manage(by=by, merchant=key.merchant)
    _check_typed(key, typed_name)
    if overlap not in OVERLAPS.values():
        raise Invalid("choose one of the overlaps", code="unknown_overlap")
    old = ApiKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
    if old.revoked_at is not None or old.expires_at is not None:
        raise KeyReplaced("this key was rotated or revoked before")
    ends = {"expires_at": at + overlap} if overlap else {"revoked_at": at}
    ApiKey.objects.filter(pk=old.pk).update(**ends)
    issued = issue(
        merchant=key.merchant,
        name=key.name,
        scopes=key.scopes,
        by=by,
        at=at,
        store=key.store,
        signed=bool(key.signing_secret),
        rate_limit=key.rate_limit,
    )
    record(
        merchant_id=key.merchant_id,
        by=by.actor,
        action="api_key.rotate",
        object_type="api_key",
        object_id=key.pk,
        at=at,
        data={"prefix": key.prefix, "new_prefix": issued[0].prefix, "valid_until": (at + overlap).isoformat()},
    )
    return issued


def _check_typed(key: ApiKey, typed_name: str) -> None:
    # Pages show one blank where a name has several.
    if " ".join(typed_name.split()) != " ".join(key.name.split()):
        raise Invalid("type the key's name to confirm", code="name_not_typed")


def check_may_manage(*, by: Staff, merchant: Merchant) -> None:
    """Owners and managers, of their own merchant only."""
    if by.merchant_id != merchant.pk or by.role not in MAY_MANAGE or not by.is_active:
        raise Forbidden("only an owner or manager may manage API keys", code="role_required")


def recognise(key: str) -> Client | None:
    """The client behind a key, or None for a key that is unknown, revoked or past its overlap. One indexed read, no model."""
    with connection.cursor() as cursor:
        cursor.execute(_RECOGNISE, [_hash(key), timezone.now()])
        row = cursor.fetchone()
    if row is None:
        return None
    key_id, name, merchant_id, store_id, created_by_id, rate_limit, scopes, sealed_secret = row
    return Client(
        key_id=key_id,
        key_name=name,
        merchant_id=merchant_id,
        store_id=store_id,
        created_by_id=created_by_id,
        rate_limit=rate_limit,
        scopes=frozenset(scopes),
        signing_secret=unseal(bytes(sealed_secret), purpose=_SECRET_PURPOSE) if sealed_secret else "",
    )


# In SQL and not by the ORM: every request passes here, and building the query cost more than running it.
_RECOGNISE = (
    "SELECT id, name, merchant_id, store_id, created_by_id, rate_limit, scopes, signing_secret "
    "FROM merchants_apikey WHERE hash = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s)"
)
_SECRET_PURPOSE = "api_key.signing_secret"  # noqa: S105 - names the field
