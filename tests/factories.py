"""Small builders for tests: real rows by the shortest way, amounts in fen, times aware."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from core.audit import chain
from core.audit.actors import SYSTEM
from core.audit.models import AuditEvent
from core.audit.record import record
from core.personal_data import phone_hashes
from merchants import policies, principals
from merchants.models import ApiKey, ChannelAccount, KeyScope, Merchant, PolicyVersion, Role, Staff, Store
from merchants.principals import Principal, of_key, of_staff
from refunds.intake import submitting
from refunds.intake.claims import Customer, Draft
from refunds.models import RefundRequest
from terminals.models import Terminal, Transaction, TransactionLine

_counter = itertools.count(1)

RULES: dict[str, Any] = {
    "auto_approve_limit_fen": 20_000,
    "handling_minutes": 30,
    "complex_handling_hours": 24,
    "tiers": [
        {"name": "manager", "limit_fen": 100_000, "roles": ["reviewer", "manager", "owner"]},
        {"name": "head_office", "limit_fen": None, "roles": ["manager", "owner"]},
    ],
    "reasons": {
        "quality": {"extent": "any", "max_share_percent": 100, "window_days": 7, "instant": True},
        "duplicate_charge": {"extent": "full", "max_share_percent": 100, "window_days": 30, "instant": True},
        "service_failure": {"extent": "partial", "max_share_percent": 50, "window_days": 7, "instant": True},
        "goodwill": {"extent": "any", "max_share_percent": 100, "window_days": 90, "instant": False},
    },
    "routes": ["original"],
}


def make_merchant(
    code: str = "", *, rules: dict[str, Any] | None = None, kind: str = "retail", since: datetime | None = None
) -> Merchant:
    """A merchant with one store (S001), one till (POS-01), an owner and a policy in force ``since`` then, else for a year."""
    number = next(_counter)
    now = timezone.now()
    merchant = Merchant.objects.create(
        code=code or f"T{number:03d}", name=f"测试商户{number}", kind=kind, created_at=now
    )
    store = Store.objects.create(merchant=merchant, code="S001", name="一号店", phone="0571-8888 0001")
    Terminal.objects.create(store=store, code="POS-01")
    owner = make_staff(merchant, Role.OWNER)
    version = policies.publish(
        merchant=merchant, name="标准", rules=rules or RULES, by=of_staff(owner), at=since or now - timedelta(days=365)
    )
    assert isinstance(version, PolicyVersion)
    return merchant


def make_staff(
    merchant: Merchant,
    role: str,
    *,
    username: str = "",
    password: str = "",
    stores: Sequence[Store] = (),
    till_codes: Sequence[str] = (),
) -> Staff:
    """Works in all stores, unless in the given ones only."""
    number = next(_counter)
    staff = Staff(
        merchant=merchant,
        username=username or f"{role}{number}",
        name=f"员工{number}",
        role=role,
        all_stores=not stores,
        till_codes=list(till_codes),
        created_at=timezone.now(),
    )
    staff.set_password(password or None)
    staff.save()
    staff.stores.set(stores)
    return staff


def of_customer(request: RefundRequest) -> Principal:
    """Whoever has the link to this request."""
    return principals.of_customer(merchant_id=request.merchant_id, store_id=request.store_id, request_id=request.pk)


def works_in(staff: Staff, *stores: Store) -> None:
    """From now on in these stores only."""
    staff.all_stores = False
    staff.save()
    staff.stores.set(stores)


def till(merchant: Merchant) -> Principal:
    """A key of nobody in particular, with every scope, that is not stored."""
    scopes = frozenset(KeyScope.values)
    return of_key(key_id=0, name="test", merchant_id=merchant.pk, stores=None, scopes=scopes, made_by=None)


def of_api_key(key: ApiKey) -> Principal:
    """A client with this stored key."""
    maker = key.created_by
    return of_key(
        key_id=key.pk,
        name=key.name,
        merchant_id=key.merchant_id,
        stores=None if key.all_stores else frozenset(filter(None, [key.store_id])),
        scopes=frozenset(key.scopes),
        made_by=key.created_by_id,
        till_codes=() if maker is None else (maker.username, *maker.till_codes),
    )


def make_account(merchant: Merchant, account: dict[str, str] | None = None, **profile: Any) -> ChannelAccount:
    """The merchant's WeChat Pay account; with a running simulator's ``account``, one that really answers."""
    row = ChannelAccount(
        merchant=merchant,
        channel="wechat",
        code=f"wx-{next(_counter)}",
        base_url=account["base_url"] if account else "http://127.0.0.1:9",
        # No minute between two refunds of a sale, unless a test is about it.
        profile_overrides={"first_query_s": 2, "partial_spacing_s": 0, **profile},
    )
    if account:
        row.set_credentials(wechat_credentials(account))
    row.save()
    return row


def wechat_credentials(account: dict[str, str]) -> dict[str, str]:
    """Credentials of the product from what the simulator wrote down about its account."""
    with open(account["merchant_private_key_path"], encoding="ascii") as private:
        merchant_private_key = private.read()
    with open(account["public_key_path"], encoding="ascii") as public:
        public_key = public.read()
    return {
        "mchid": account["mchid"],
        "merchant_serial": account["merchant_serial"],
        "merchant_private_key": merchant_private_key,
        "api_v3_key": account["api_v3_key"],
        "public_key_id": account["public_key_id"],
        "public_key": public_key,
    }


def make_sale(merchant: Merchant, amount_fen: int = 10_000, **fields: Any) -> Transaction:
    """A paid WeChat sale of one article at the merchant's first store."""
    number = next(_counter)
    store = fields.pop("store", None) or merchant.stores.order_by("pk")[0]
    phone = fields.pop("phone", "")
    account = fields.pop("channel_account", None) or (
        merchant.channel_accounts.order_by("pk").first() or make_account(merchant)
    )
    quantity = fields.pop("quantity", 1)
    phone_hash, last4_hash = phone_hashes(phone)
    now = timezone.now()
    values: dict[str, Any] = {
        "merchant": merchant,
        "store": store,
        "terminal": fields["terminal"] if "terminal" in fields else store.terminals.order_by("pk").first(),
        "channel_account": account,
        "channel": account.channel,
        "order_no": f"A{number:08d}",
        "channel_transaction_no": f"4200{number:024d}",
        "amount_fen": amount_fen,
        "paid_at": now - timedelta(hours=1),
        "cashier": "C001",
        "payer_phone": phone,
        "payer_phone_hash": phone_hash,
        "payer_phone_last4_hash": last4_hash,
        "funding": "balance",
        "created_at": now,
    }
    sale = Transaction.objects.create(**{**values, **fields})
    TransactionLine.objects.create(
        transaction=sale,
        position=1,
        sku="SKU-1",
        name="空气炸锅 4L",
        quantity=quantity,
        unit_price_fen=amount_fen // quantity,
        amount_fen=amount_fen,
    )
    return sale


def make_request(
    sale: Transaction,
    amount_fen: int = 1_200,
    *,
    reason: str = "quality",
    by: Staff | Principal | None = None,
    at: datetime | None = None,
    phone: str = "",
    email: str = "",
    name: str = "",
    locale: str = "zh-Hans",
    consent: bool | None = True,
) -> RefundRequest:
    """A request taken in by the real intake: approved by rule when small and simple, in review otherwise."""
    requester = of_staff(by) if isinstance(by, Staff) else by or till(sale.merchant)
    draft = Draft(
        amount_fen=amount_fen,
        reason=reason,
        transaction_id=sale.pk,
        customer=Customer(name=name, phone=phone, email=email, locale=locale),
        customer_consent=consent,
        # No repeat of another, whatever it asks.
        is_another=True,
    )
    prepared = submitting.submit(draft=draft, by=requester, at=at or timezone.now())
    return RefundRequest.objects.get(pk=prepared.request.pk)


def at_the_till(sale: Transaction, **more: Any) -> Principal:
    """A cashier of the sale's merchant."""
    return replace(of_staff(make_staff(sale.merchant, "cashier")), **more)


def submit(sale: Transaction, amount_fen: int = 1_200, *, reason: str = "quality", **more: Any) -> RefundRequest:
    """A request by a cashier, with whatever a draft may say; unless it says otherwise, no repeat of another."""
    draft = Draft(amount_fen=amount_fen, reason=reason, transaction_id=sale.pk, **{"is_another": True, **more})
    taken = submitting.submit(draft=draft, by=at_the_till(sale), at=timezone.now())
    return RefundRequest.objects.get(pk=taken.request.pk)


def write_events(count: int = 1, *, merchant_id: int = 1, **data: Any) -> None:
    """Audit events of no refund."""
    for number in range(count):
        record(
            merchant_id=merchant_id,
            by=SYSTEM,
            action="test",
            object_type="thing",
            object_id=number,
            at=timezone.now(),
            data={"number": number, **data},
        )


#: Seconds that a transaction of a test beside us may take: the table of rights has one of two minutes on a busy machine.
BESIDE_S = 400


def seal_events() -> int:
    """Seal all that was written. The sealer waits for every transaction of the cluster, those of a test beside us included."""
    until, sealed = time.monotonic() + BESIDE_S, 0
    while AuditEvent.objects.filter(link=None).exists() and time.monotonic() < until:
        sealed += chain.seal_events()
        time.sleep(0.02)
    # Once more, for the heads of what was sealed last.
    sealed += chain.seal_events()
    assert not AuditEvent.objects.filter(link=None).exists()
    return sealed
