"""Issuing, rotating, revoking and recognising API keys."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from core.audit.record import record, record_of
from core.errors import Conflict, FieldError, Forbidden, Invalid
from core.personal_data import unseal
from core.plain_text import one_line
from core.sql import PreparedStatement
from merchants import mandates, principals, signing
from merchants.mandates import Mandate, MandateInvalid
from merchants.models import ApiKey, KeyScope, Merchant, Store
from merchants.principals import Principal
from merchants.rights import Act, KeyStopped, Subject, check_may, gives
from merchants.signing import Signed, Statement

_LIVE, _TEST = "rd_live_", "rd_test_"
#: How long a rotated key may work on beside the new one, by name.
OVERLAPS: dict[str, timedelta] = {
    "0": timedelta(0),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}
DEFAULT_OVERLAP = OVERLAPS["24h"]
USE_NOTED_EVERY = timedelta(minutes=10)


class ScopeAboveOwn(Forbidden, code="scope_above_own"):
    """A key would do what its maker may not."""


class KeyReplaced(Conflict, code="key_replaced"):
    """The key was rotated or revoked before."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who a request with a valid key comes from, how often they may, and what they must sign with."""

    principal: Principal
    rate_limit: int | None
    signing_secret: str


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


@transaction.atomic
def issue(
    *,
    merchant: Merchant,
    name: str,
    scopes: Sequence[str],
    by: Principal,
    at: datetime,
    store: Store | None = None,
    all_stores: bool = False,
    signed: bool = False,
    rate_limit: int | None = None,
    mandate: Mandate | None = None,
    replaces: ApiKey | None = None,
) -> tuple[ApiKey, str, str]:
    """Make a key of one store, or of all where that is said. Returns the row, the key and the signing secret ("" unless
    ``signed``): the only time both are seen. Raises ``Forbidden`` or ``Invalid``.
    """
    check_may(Act.MANAGE_KEYS, by=by)
    unknown = set(scopes) - set(KeyScope.values)
    if unknown or not scopes:
        raise Invalid(f"unknown scopes: {', '.join(sorted(unknown)) or 'none given'}", code="unknown_scope")
    # In a sandbox nothing is real: a test key has every scope, whoever made it.
    if merchant.sandbox_of_id is None and (above := [scope for scope in scopes if not gives(scope, by=by)]):
        raise ScopeAboveOwn(f"its maker may not do what {', '.join(sorted(above))} opens")
    if (store is None) != all_stores or (store is not None and store.merchant_id != merchant.pk):
        raise Invalid(
            "a key is of one of the merchant's stores, or of all of them",
            code="unknown_store",
            errors=[FieldError("store", "unknown_store")],
        )
    check_may(
        Act.MANAGE_KEYS, by=by, subject=Subject(merchant_id=merchant.pk, store_id=None if store is None else store.pk)
    )
    _check_stores(mandate, merchant_id=merchant.pk, store=store)
    scope = {"scopes": " ".join(sorted(scopes)), "store": "*" if store is None else store.code}
    shown = _sign("issue_key" if replaces is None else "rotate_key", merchant, name, mandate, by, at, **scope)
    key = (_LIVE if merchant.sandbox_of_id is None else _TEST) + secrets.token_urlsafe(32)
    signing_secret = secrets.token_hex(32) if signed else ""
    row = ApiKey.objects.create(
        merchant=merchant,
        store=store,
        all_stores=all_stores,
        name=name,
        prefix=key[:12],
        hash=_hash(key),
        scopes=sorted(scopes),
        signing_secret=signing_secret,
        rate_limit=rate_limit,
        mandate=mandates.as_json(mandate),
        created_by_id=by.staff_id,
        replaces=replaces,
        created_at=at,
    )
    data = {"name": name, "scopes": row.scopes, "store": "" if store is None else store.code, "all_stores": all_stores}
    if mandate is not None:
        data["mandate"] = row.mandate
    data |= shown.told
    _record(row, "api_key.issue", by, at, **data)
    return row, key, signing_secret


@transaction.atomic
def revoke(*, key: ApiKey, by: Principal, at: datetime, typed_name: str) -> None:
    """The key is dead from now on, also within the overlap of a rotation. Revoking twice changes nothing.

    ``typed_name`` is the key's name as the person typed it: Raises ``Invalid`` for another one.
    """
    _check_may_end(key, by)
    _check_typed(key, typed_name)
    if ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=at):
        _forget_changed()
        _record(key, "api_key.revoke", by, at)


@transaction.atomic
def rotate(
    *, key: ApiKey, by: Principal, at: datetime, typed_name: str, overlap: timedelta = DEFAULT_OVERLAP
) -> tuple[ApiKey, str, str]:
    """A new key with the same name, scopes and store; the old one works on for ``overlap``, one of ``OVERLAPS``.

    Returns what ``issue`` returns. Raises ``Invalid`` as ``revoke`` does, and ``KeyReplaced`` for a key that was rotated or
    revoked before: two people who rotate at once make one new key.
    """
    _check_may_end(key, by)
    _check_typed(key, typed_name)
    if overlap not in OVERLAPS.values():
        raise Invalid("choose one of the overlaps", code="unknown_overlap")
    old = ApiKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
    if old.revoked_at is not None or old.expires_at is not None:
        raise KeyReplaced("this key was rotated or revoked before")
    if old.stopped_at is not None:
        raise KeyStopped("this key is stopped")
    ends = {"expires_at": at + overlap} if overlap else {"revoked_at": at}
    ApiKey.objects.filter(pk=old.pk).update(**ends)
    _forget_changed()
    issued = issue(
        merchant=key.merchant,
        name=key.name,
        scopes=key.scopes,
        by=by,
        at=at,
        store=key.store,
        all_stores=key.all_stores,
        signed=bool(key.signing_secret),
        rate_limit=key.rate_limit,
        # What was used up stays so.
        mandate=mandates.read({**old.mandate, "counted_as": _counted_as(old) or old.pk}),
        replaces=key,
    )
    until = (at + overlap).isoformat()
    _record(key, "api_key.rotate", by, at, new_prefix=issued[0].prefix, valid_until=until)
    return issued


@transaction.atomic
def set_mandate(*, key: ApiKey, mandate: Mandate | None, by: Principal, at: datetime) -> None:
    """Limit a key anew, or no longer; what it has used up stays so. Raises ``Forbidden`` or ``MandateInvalid``."""
    _check_may_end(key, by)
    _check_stores(mandate, merchant_id=key.merchant_id, store=key.store)
    old = ApiKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
    if mandate is not None:
        mandate = replace(mandate, counted_as=_counted_as(old))
    said = mandates.as_json(mandate)
    if said != old.mandate:
        shown = _sign("limit_key", key.merchant, f"{key.name} {key.prefix}", mandate, by, at)
        ApiKey.objects.filter(pk=key.pk).update(mandate=said)
        _forget_changed()
        _record(key, "api_key.mandate", by, at, before=old.mandate, after=said, **shown.told)


def _counted_as(key: ApiKey) -> int | None:
    """The first key of those that were rotated into this one, whose sums are theirs; None for the first itself."""
    first, before = None, key.replaces_id
    while before is not None:
        first, before = before, ApiKey.objects.values_list("replaces_id", flat=True).get(pk=before)
    return first


@transaction.atomic
def stop(
    *, which: ApiKey | Store | Merchant, by: Principal, at: datetime, stopped: bool = True, note: str = ""
) -> None:
    """From now on this key, the keys of this store, or all of the merchant's may nothing, or (not ``stopped``) may again.

    Known everywhere within ``KNOWN_FOR_S``. Stopping twice changes nothing. Raises ``Forbidden``.
    """
    merchant_id = which.pk if isinstance(which, Merchant) else which.merchant_id
    store_id = None if isinstance(which, Merchant) else which.pk if isinstance(which, Store) else which.store_id
    check_may(Act.MANAGE_KEYS, by=by, subject=Subject(merchant_id=merchant_id, store_id=store_id))
    field = "stopped_at" if isinstance(which, ApiKey) else "keys_stopped_at"
    rows = type(which).objects.filter(**{"pk": which.pk, f"{field}__isnull": stopped})
    if rows.update(**{field: at if stopped else None}):
        _forget_changed()
        record(
            merchant_id=merchant_id,
            by=by.actor,
            action="api_key.stop" if stopped else "api_key.resume",
            object_type={ApiKey: "api_key", Store: "store", Merchant: "merchant"}[type(which)],
            object_id=which.pk,
            at=at,
            data={"note": one_line(note, limit=200)},
        )


def _sign(
    decision: str, merchant: Merchant, name: str, mandate: Mandate | None, by: Principal, at: datetime, **what: str
) -> Signed:
    limits = json.dumps(mandates.as_json(mandate), sort_keys=True, ensure_ascii=False) if mandate else ""
    said = Statement({"request": f"{merchant.code} {name}", **what, "mandate": limits, "decision": decision})
    return signing.sign(
        statement=lambda: said,
        object_type="api_key",
        object_id=name[:40],
        by=by,
        at=at,
        always=by.shown is not None,
    )


def _check_stores(mandate: Mandate | None, *, merchant_id: int, store: Store | None) -> None:
    """The mandate's stores are some of the key's."""
    if mandate is None or not mandate.stores:
        return
    known = Store.objects.filter(merchant_id=merchant_id, code__in=mandate.stores).values_list("code", flat=True)
    if set(known) != mandate.stores or (store is not None and mandate.stores != {store.code}):
        raise MandateInvalid(
            "a mandate's stores are stores of the key",
            errors=[FieldError("mandate.stores", "unknown_store")],
        )


def _check_typed(key: ApiKey, typed_name: str) -> None:
    # Pages show one blank where a name has several.
    if " ".join(typed_name.split()) != " ".join(key.name.split()):
        raise Invalid("type the key's name to confirm", code="name_not_typed")


def _check_may_end(key: ApiKey, by: Principal) -> None:
    """A key without a store is the whole merchant's: nobody who works in some stores only makes or ends one."""
    check_may(Act.MANAGE_KEYS, by=by, subject=Subject(merchant_id=key.merchant_id, store_id=key.store_id))


def _record(key: ApiKey, action: str, by: Principal, at: datetime, **data: Any) -> None:
    record_of(key, by=by.actor, action=action, at=at, data={"prefix": key.prefix, **data})


#: Seconds for which a process knows a key that it has looked up: a key that sends many calls is not looked up for each, and one
#: that was revoked is refused everywhere within this time.
KNOWN_FOR_S = 0.5
#: By hash: the client, until when by the process's clock, and the end of its overlap.
_known: dict[bytes, tuple[Client, float, datetime | None]] = {}
_KNOWN_AT_ONCE = 1_000


def recognise(key: str) -> Client | None:
    """The client behind a key, or None for a key that is unknown, revoked or past its overlap."""
    digest = _hash(key)
    if (known := _known.get(digest)) is not None:
        client, until, expires_at = known
        if monotonic() < until and (expires_at is None or timezone.now() < expires_at):
            return client
    # From before the look: what is revoked while it takes its time is not known for longer than that.
    looked_at = monotonic()
    found = _look_up(digest)
    if found is None:
        _known.pop(digest, None)
        return None
    client, expires_at = found
    if client.principal.is_test:
        # Another process may have moved its sandbox's clock just now.
        return client
    if len(_known) >= _KNOWN_AT_ONCE:
        _known.clear()
    _known[digest] = client, looked_at + KNOWN_FOR_S, expires_at
    return client


def _forget_changed() -> None:
    # Whoever asks until the commit still sees the key as it was, and would know it on.
    forget_known()
    transaction.on_commit(forget_known)


def forget_known() -> None:
    """Look every key up again: at once in this process, within ``KNOWN_FOR_S`` in others."""
    _known.clear()


def principal_of(key_id: int) -> Principal | None:
    """Who acts by a key that asked for something to be done later; None for one that works no more."""
    digest = ApiKey.objects.filter(pk=key_id).values_list("hash", flat=True).first()
    found = None if digest is None else _look_up(bytes(digest))
    return None if found is None else found[0].principal


def _look_up(digest: bytes) -> tuple[Client, datetime | None] | None:
    """One indexed read, no model; that the key was used is written down once in ``USE_NOTED_EVERY``."""
    now = timezone.now()
    with connection.cursor() as cursor:
        _RECOGNISE.execute(cursor, [digest, now])
        row = cursor.fetchone()
    if row is None:
        return None
    key_id, name, merchant_id, store_id, all_stores, made_by, rate_limit, scopes, sealed_secret, *codes = row
    (
        expires_at,
        last_used_at,
        username,
        till_codes,
        kept,
        is_stopped,
        all_stopped,
        stopped_stores,
        mandate_stores,
        ahead,
    ) = codes
    mandate = mandates.read(json.loads(kept)) if kept else None
    if last_used_at is None or last_used_at < now - USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=key_id).update(last_used_at=now)
    stores = None if all_stores else frozenset(() if store_id is None else (store_id,))
    if mandate is not None and mandate.stores:
        stores = frozenset(mandate_stores)
    stopped = "key" if is_stopped else "all keys" if all_stopped else "store" if store_id in stopped_stores else ""
    if mandate is not None and mandate.expires_at is not None:
        if mandate.expires_at <= now:
            stopped = stopped or "expired"
        else:
            expires_at = min(filter(None, (expires_at, mandate.expires_at)))
    client = Client(
        principal=principals.of_key(
            key_id=key_id,
            name=name,
            merchant_id=merchant_id,
            stores=stores,
            scopes=frozenset(scopes),
            made_by=made_by,
            till_codes=() if username is None else (username, *till_codes),
            mandate=mandate,
            stopped=stopped,
            stopped_stores=frozenset(stopped_stores),
            clock_ahead=ahead,
        ),
        rate_limit=rate_limit,
        signing_secret=unseal(bytes(sealed_secret), purpose=_SECRET_PURPOSE) if sealed_secret else "",
    )
    return client, expires_at


# In SQL and not by the ORM: every request passes here, and building the query cost more than running it. Its maker comes with
# it: what a key asks for, its maker has asked for.
_RECOGNISE = PreparedStatement(
    "api_key_by_hash",
    ("bytea", "timestamptz"),
    "SELECT k.id, k.name, k.merchant_id, k.store_id, k.all_stores, k.created_by_id, k.rate_limit, k.scopes, "
    "k.signing_secret, k.expires_at, k.last_used_at, s.username, s.till_codes, "
    "nullif(k.mandate, '{}')::text, k.stopped_at IS NOT NULL, m.keys_stopped_at IS NOT NULL, "
    "ARRAY(SELECT o.id FROM merchants_store o WHERE o.merchant_id = k.merchant_id AND o.keys_stopped_at IS NOT NULL), "
    "CASE WHEN k.mandate ? 'stores' THEN ARRAY(SELECT o.id FROM merchants_store o WHERE o.merchant_id = k.merchant_id "
    "AND k.mandate->'stores' ? o.code) END, CASE WHEN m.sandbox_of_id IS NOT NULL THEN m.clock_ahead END "
    "FROM merchants_apikey k JOIN merchants_merchant m ON m.id = k.merchant_id "
    "LEFT JOIN merchants_staff s ON s.id = k.created_by_id "
    "WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)",
)
_SECRET_PURPOSE = "api_key.signing_secret"  # noqa: S105 - names the field
