"""A merchant with a long history, for measuring: loaded in SQL, minutes for a million refunds.

All invariants hold on what is loaded: counters, pieces, ledger, outbox and the sealed audit chain. The same seed at the same
moment makes the same rows.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from core.audit import chain
from core.audit.actors import CUSTOMER, POLICY, SYSTEM, Actor, ActorKind, channel
from core.audit.models import AuditEvent
from core.audit.record import event
from core.database import logins
from core.errors import Conflict
from core.personal_data import mask_phone, phone_hashes, seal
from merchants import api_keys, policies
from merchants.models import ChannelAccount, KeyScope, Merchant, MerchantKind, Role, Staff, Store
from merchants.policies.rules import read_rules
from merchants.principals import of_staff
from refunds.payouts import ledger
from refunds.rules import policy, worth
from refunds.rules.facts import Facts
from refunds.rules.policy import Ruling
from samples.demo import rules, scale_sql
from samples.demo.merchants import OUTLINES
from terminals.models import Terminal

CODE = "SCALE"
#: The people of the merchant by role, and how they sign in.
PEOPLE = {role: f"scale.{role}" for role in (Role.OWNER, Role.MANAGER, Role.REVIEWER, Role.FINANCE, Role.CASHIER)}
_KEY_MAKER = "scale.integration"
_STORES, _TILLS_A_STORE = 40, 3
_CHUNK = 100_000
#: Requests come up to two days after their sale, decisions within the hour; nothing lies in the future.
_LATER = timedelta(days=2)
_QUIET = timedelta(hours=3)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_CHANNELS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("wechat", {"fee_rate_bp": 60, "fee_returned": True, "partial_spacing_s": 60}),
    ("alipay", {}),
    # Keeps its fee: the figures of what refunds cost have something to add up.
    ("unionpay", {"fee_rate_bp": 50, "fee_returned": False}),
)

#: What was made in bulk nobody judged: limits that none of it passes, so that the invariants have something true to look at.
_RULES = {
    **rules.RETAIL,
    "auto_order_limit_fen": 10**9,
    "auto_customer_day_limit_fen": 10**11,
    "auto_cashier_day_count": 10**6,
    "tiers": [{"name": "manager", "limit_fen": None, "roles": ["reviewer", "manager", "owner"]}],
    "four_eyes_above_fen": None,
}


class NotThrowaway(Conflict):
    """The database is somebody's own: it holds merchants that are no samples, or lies on another machine."""

    code = "not_throwaway"


class NotOwner(Conflict):
    """The login is bound by row-level security, which takes in no rows that are copied."""

    code = "not_owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much to load. ``open_requests`` are in people's hands, the newest ones; all others have come to their end."""

    requests: int
    sales: int
    days: int = 365
    open_requests: int = 3_000

    def __post_init__(self) -> None:
        if not 0 < self.requests <= self.sales or self.days < 10:
            raise ValueError("at least one request, no more requests than sales, at least ten days")


def check_throwaway() -> None:
    """Raises ``NotThrowaway`` unless the database is a demo's or a test's: on this machine, with no merchant but the samples'."""
    host = str(settings.DATABASES["default"].get("HOST") or "")
    if host not in ("127.0.0.1", "::1", "localhost", ""):
        raise NotThrowaway(f"the database is on {host}")
    samples = [CODE, *(outline.code for outline in OUTLINES)]
    others = Merchant.objects.exclude(code__in=samples).order_by("code").values_list("code", flat=True)[:3]
    if others:
        raise NotThrowaway(f"there are merchants that are no samples: {', '.join(others)}")


def load(*, size: Size, seed: int, now: datetime, say: Callable[[str], object]) -> str:
    """Load the merchant. Returns its API key. Raises ``Conflict`` if it is there already, or ``NotOwner``."""
    if Merchant.objects.filter(code=CODE).exists():
        raise Conflict(f"merchant {CODE} is loaded already", code="already_loaded")
    began = time.monotonic()
    # As the owner: rows are copied in, which row-level security refuses to whom it binds, and tables are analysed.
    with logins.as_owner():
        _check_owner()
        chain.seal_events()
        with transaction.atomic():
            values, key = _create_merchant(size, now)
            values |= _spread(size, now)
            _prepare(values, size, seed)
        for first in range(1, size.sales + 1, _CHUNK):
            values |= {"first": first, "last": min(first + _CHUNK - 1, size.sales)}
            _store_chunk(values)
            say(f"{values['last']:,} of {size.sales:,} sales after {time.monotonic() - began:.0f} s")
        say(f"{chain.seal_events():,} events sealed after {time.monotonic() - began:.0f} s")
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
        say(f"analysed after {time.monotonic() - began:.0f} s")
    return key


def _check_owner() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_security_active('core_auditevent'), current_user")
        bound, login = cursor.fetchone()
    if bound:
        raise NotOwner(
            f"{login} cannot copy rows into tables behind row-level security: set DATABASE_OWNER_URL to the tables' owner, or "
            "beside `make demo` run it by `.venv/bin/python -m dev.embedded run -- .venv/bin/python manage.py load_scale`"
        )


def _create_merchant(size: Size, now: datetime) -> tuple[dict[str, Any], str]:
    since = now - timedelta(days=size.days + 30)
    merchant = Merchant.objects.create(code=CODE, name="百万退款", kind=MerchantKind.RETAIL, created_at=since)
    stores = [Store(merchant=merchant, code=f"S{n:03d}", name=f"{n} 号店") for n in range(1, _STORES + 1)]
    Store.objects.bulk_create(stores)
    Terminal.objects.bulk_create(
        [Terminal(store=store, code=f"POS-{n:02d}") for store in stores for n in range(1, _TILLS_A_STORE + 1)]
    )
    staff = {
        username: Staff(
            merchant=merchant,
            username=username,
            name=username,
            role=role,
            all_stores=True,
            created_at=since,
            password=make_password(None),
        )
        for role, username in [*PEOPLE.items(), (Role.OWNER, _KEY_MAKER)]
    }
    Staff.objects.bulk_create(staff.values())
    maker = staff[_KEY_MAKER]
    version = policies.publish(merchant=merchant, name="规模", rules=_RULES, by=of_staff(maker), at=since)
    row, key, _secret = api_keys.issue(
        merchant=merchant, name="scale", all_stores=True, scopes=list(KeyScope.values), by=of_staff(maker), at=since
    )
    accounts = [
        ChannelAccount(
            merchant=merchant,
            channel=channel,
            code=f"{channel}-scale",
            base_url="http://127.0.0.1:9",
            profile_overrides=dict(profile),
        )
        for channel, profile in _CHANNELS
    ]
    ChannelAccount.objects.bulk_create(accounts)
    by_rule, by_desk = _verdict(1_200, now), _verdict(50_000, now)
    assert (by_rule.decision, by_desk.decision) == (Ruling.APPROVE, Ruling.REVIEW)
    reviewer = staff[PEOPLE[Role.REVIEWER]]
    values = {
        "merchant": merchant.pk,
        "policy": version.pk,
        "key": row.pk,
        "key_name": row.name,
        "reviewer": reviewer.pk,
        "reviewer_name": reviewer.name,
        "by_rule": json.dumps(by_rule.as_json()),
        "by_desk": json.dumps(by_desk.as_json()),
        "tier": by_desk.tier,
        "kinds": json.dumps(policy.KIND_OF_REASON),
        "goods_reasons": [reason.value for reason in worth.GOODS_COME_BACK],
    }
    return values, key


def _verdict(amount_fen: int, now: datetime) -> policy.Verdict:
    facts = Facts(
        at=now,
        amount_fen=amount_fen,
        reason="quality",
        route="original",
        consent=True,
        paid_fen=60_000,
        refundable_fen=60_000,
        paid=True,
        paid_at=now - timedelta(hours=1),
        funding="balance",
        has_channel=True,
        channel_window_days=365,
        channel_max_refunds=50,
        refunds_so_far=0,
        terminal_enabled=True,
    )
    return policy.judge(facts=facts, rules=read_rules(_RULES), policy_version=1)


def _spread(size: Size, now: datetime) -> dict[str, Any]:
    """From when on, and how far apart, sales were made, so that their requests came in before now."""
    end = now - _LATER - _QUIET
    start = end - timedelta(days=size.days)
    with connection.cursor() as cursor:
        # The numbers of these refunds are taken out of the same sequence as everybody's.
        cursor.execute("SELECT max(nextval('refunds_number')) FROM generate_series(1, %s)", [size.requests])
        (last,) = cursor.fetchone()
    return {
        "base": last - size.requests,
        "requests": size.requests,
        "sales": size.sales,
        "open": min(size.open_requests, size.requests // 10),
        "start_us": _us(start),
        "step_us": (_us(end) - _us(start)) // size.sales,
        "later_us": _us(_EPOCH + _LATER),
        "now_us": _us(now),
        "phones": max(100, min(size.sales // 30, 100_000)),
        "tills": _STORES * _TILLS_A_STORE,
    }


def _us(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _prepare(values: Mapping[str, Any], size: Size, seed: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(scale_sql.PREPARE.replace("{seed}", str(int(seed))))
        cursor.execute(
            "INSERT INTO scale_till SELECT row_number() OVER (ORDER BY t.id) - 1, t.store_id, t.id, "
            "'C' || lpad((mod(t.id, 200))::text, 3, '0') FROM terminals_terminal t "
            "JOIN merchants_store s ON s.id = t.store_id WHERE s.merchant_id = %(merchant)s",
            values,
        )
        cursor.execute(
            "INSERT INTO scale_account SELECT row_number() OVER (ORDER BY id) - 1, channel, id "
            "FROM merchants_channelaccount WHERE merchant_id = %(merchant)s",
            values,
        )
        copy(cursor, "scale_phone", _phones(values["phones"]))
        cursor.execute("ANALYZE scale_till, scale_account, scale_phone")


def _phones(count: int) -> Iterator[tuple[object, ...]]:
    """Sealed once each, as no SQL could."""
    for number in range(count):
        phone = f"13{number * 7_919 % 1_000_000_000:09d}"
        whole, last4 = phone_hashes(phone)
        purposes = ("transaction.payer_phone", "request.customer_phone", "notification.recipient")
        yield (number, whole, last4, mask_phone(phone), *(seal(phone, purpose=purpose) for purpose in purposes))


@transaction.atomic
def _store_chunk(values: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        # An answer that waits for the disk after every chunk tells nobody anything: the whole load can be made anew.
        cursor.execute("SET LOCAL synchronous_commit = off")
        # While the events of a chunk are made here, one by one, the session waits longer than one of the product's may.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute(scale_sql.PLAN_SALES, values)
        cursor.execute(scale_sql.PLAN_REQUESTS, values)
        cursor.execute("ANALYZE scale_sale, scale_request")
        for statement in scale_sql.STORE:
            cursor.execute(statement, values)
        # Now, while its payouts are at hand: booked all at once at the end, each entry's payout had to be looked for again.
        cursor.execute("SELECT array_agg(execution_id::text), max(us) FROM scale_request WHERE is_paid")
        paid, last_us = cursor.fetchone()
        if paid:
            ledger.post_payouts([UUID(pk) for pk in paid], at=_EPOCH + timedelta(microseconds=last_us))
        copy(cursor, "core_auditevent", _as_text(_events(cursor, values)), columns=_EVENT_COLUMNS)
        cursor.execute(scale_sql.DROP_PLANS)


def _events(cursor: Any, values: Mapping[str, Any]) -> Iterator[AuditEvent]:
    """The audit events of the chunk. Made one by one: each is authenticated under a key that the database does not have."""
    key = Actor(ActorKind.API_KEY, str(values["key"]), values["key_name"])
    reviewer = Actor(ActorKind.STAFF, str(values["reviewer"]), values["reviewer_name"])
    by = {"key": key, "staff": reviewer, "policy": POLICY, "system": SYSTEM, "customer": CUSTOMER}
    cursor.execute(scale_sql.STEPS)
    for request_id, at, action, from_state, to_state, version, actor, channel_code, data in cursor.fetchall():
        yield event(
            merchant_id=values["merchant"],
            by=by.get(actor) or channel(channel_code),
            action=action,
            object_type="refund_request",
            object_id=request_id,
            at=at,
            from_state=from_state,
            to_state=to_state,
            version=version,
            data=json.loads(data),
        )


#: What an INSERT names: the rest the database fills in.
_EVENT_COLUMNS = tuple(
    field.attname for field in AuditEvent._meta.concrete_fields if not field.primary_key and not field.has_db_default()
)


def _as_text(events: Iterable[AuditEvent]) -> Iterator[tuple[object, ...]]:
    for one in events:
        values = {name: getattr(one, name) for name in _EVENT_COLUMNS}
        # A backslash would begin an escape of COPY's own.
        values["data"] = json.dumps(one.data, ensure_ascii=False).replace("\\", "\\\\")
        yield tuple(values.values())


def copy(
    cursor: Any, table: str, rows: Iterator[tuple[object, ...]], *, columns: tuple[str, ...] | None = None
) -> None:
    """Copy texts, numbers and bytes into a table."""
    text = io.StringIO()
    for row in rows:
        text.write("\t".join("\\\\x" + value.hex() if isinstance(value, bytes) else str(value) for value in row))
        text.write("\n")
    text.seek(0)
    cursor.cursor.copy_from(text, table, columns=columns)
