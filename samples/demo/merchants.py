"""The two sample merchants: stores, tills, people, rules, keys and channel accounts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher, get_hasher, make_password

from integrations.stand_ins import Account, keep_accounts
from merchants import api_keys, policies, principals
from merchants.models import ApiKey, ChannelAccount, KeyScope, Merchant, MerchantKind, Role, Staff, Store
from merchants.principals import Principal
from samples.demo import guides, rules
from terminals.models import Terminal

#: How long before today the merchants came to us: the oldest sale needs a policy in force.
KNOWN_FOR = timedelta(days=400)

KEY_NAME = "收银系统"
#: Nobody decides what a key of their own making asked for: the key's maker decides nothing.
KEY_MAKER = "integration"

_ROUNDS = 50_000


@dataclass(frozen=True, slots=True)
class Shop:
    code: str
    name: str
    terminals: tuple[str, ...]
    cashiers: tuple[str, ...]
    weight: int


@dataclass(frozen=True, slots=True)
class Outline:
    """A merchant before it is stored. ``people`` are (login, role, name); those named in demo.json come first."""

    code: str
    name: str
    kind: MerchantKind
    policy_name: str
    rules: Mapping[str, Any]
    guides: Mapping[str, Any]
    shops: tuple[Shop, ...]
    people: tuple[tuple[str, Role, str], ...]


RESTAURANT = Outline(
    code="M001",
    name="鲜禾餐饮",
    kind=MerchantKind.RESTAURANT,
    policy_name="餐饮标准退款策略",
    rules=rules.RESTAURANT,
    guides=guides.RESTAURANT,
    shops=(
        Shop("S001", "鲜禾小馆 · 西溪店", ("POS-01", "POS-02"), ("C001", "C002", "C003"), 12),
        Shop("S002", "鲜禾小馆 · 滨江店", ("POS-03", "POS-04"), ("C004", "C005"), 10),
        Shop("S003", "鲜禾小馆 · 武林店", ("POS-05",), ("C006", "C007"), 7),
    ),
    people=(
        ("m001.cashier", Role.CASHIER, "李婷"),
        ("m001.reviewer", Role.REVIEWER, "陈佳"),
        ("m001.manager", Role.MANAGER, "何璐"),
        ("m001.finance", Role.FINANCE, "周敏"),
        ("m001.owner", Role.OWNER, "沈岚"),
        ("m001.reviewer2", Role.REVIEWER, "刘洋"),
        ("m001.owner2", Role.OWNER, "韩松"),
        (f"m001.{KEY_MAKER}", Role.OWNER, "系统对接"),
    ),
)

RETAIL = Outline(
    code="M002",
    name="鲜禾生活",
    kind=MerchantKind.RETAIL,
    policy_name="零售标准退款策略",
    rules=rules.RETAIL,
    guides=guides.RETAIL,
    shops=(
        Shop("S001", "杭州西溪银泰店", ("POS-01", "POS-02", "POS-03"), ("C001", "C002", "C003"), 13),
        Shop("S002", "滨江天街店", ("POS-04", "POS-05", "POS-06"), ("C004", "C005", "C006"), 12),
        Shop("S003", "城西万象店", ("POS-09", "POS-10", "POS-11"), ("C007", "C008", "C009"), 11),
        Shop("S004", "武林银泰店", ("POS-12", "POS-13"), ("C010", "C011"), 9),
        Shop("S005", "余杭未来店", ("POS-14",), ("C012", "C013"), 7),
    ),
    people=(
        ("m002.cashier", Role.CASHIER, "王倩"),
        ("m002.reviewer", Role.REVIEWER, "许薇"),
        ("m002.manager", Role.MANAGER, "顾晓峰"),
        ("m002.finance", Role.FINANCE, "郑岩"),
        ("m002.owner", Role.OWNER, "林清"),
        ("m002.reviewer2", Role.REVIEWER, "宋扬"),
        ("m002.reviewer3", Role.REVIEWER, "方可"),
        ("m002.owner2", Role.OWNER, "江宁"),
        (f"m002.{KEY_MAKER}", Role.OWNER, "系统对接"),
    ),
)

OUTLINES = (RESTAURANT, RETAIL)
#: Beside them, without sales: see ``samples.demo.guarded``.
GUARDED = Outline(
    code="M003",
    name="鲜禾安心店",
    kind=MerchantKind.RETAIL,
    policy_name="零售标准退款策略",
    rules=rules.RETAIL,
    guides=guides.RETAIL,
    shops=(Shop("S001", "鲜禾安心店 · 城北店", (), (), 1),),
    people=(
        ("m003.cashier", Role.CASHIER, "孙悦"),
        ("m003.reviewer", Role.REVIEWER, "钱进"),
        ("m003.manager", Role.MANAGER, "李安"),
        ("m003.finance", Role.FINANCE, "吴桐"),
        ("m003.owner", Role.OWNER, "郑重"),
    ),
)


@dataclass(frozen=True, slots=True)
class House:
    """A stored merchant with everything that the sample data refers to, by code."""

    outline: Outline
    merchant: Merchant
    stores: Mapping[str, Store]
    terminals: Mapping[tuple[str, str], Terminal]
    staff: Mapping[str, Staff]
    accounts: Mapping[str, ChannelAccount]
    key: ApiKey

    @property
    def tills(self) -> Principal:
        """The key with which the tills send."""
        return principals.of_key(
            key_id=self.key.pk,
            name=self.key.name,
            merchant_id=self.merchant.pk,
            stores=None,
            scopes=frozenset(self.key.scopes),
            made_by=self.key.created_by_id,
        )

    @property
    def cashier(self) -> Staff:
        return next(one for one in self.staff.values() if one.role == Role.CASHIER)

    def deciders(self, roles: frozenset[str]) -> list[Staff]:
        """Who may decide in a tier of these roles; the key's maker never does."""
        return [one for name, one in sorted(self.staff.items()) if one.role in roles and not name.endswith(KEY_MAKER)]


def new_password() -> str:
    """A password a person can type: 60 random bits, no letters that look alike."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(3))


def hashed(password: str) -> str:
    """The hash of a password of ours.

    Sixty random bits need no million rounds, and ten times a third of a second would be most of the demo's start. Whoever logs
    in has the hash renewed with all rounds by Django.
    """
    hasher = get_hasher()
    if isinstance(hasher, PBKDF2PasswordHasher):
        return hasher.encode(password, hasher.salt(), iterations=_ROUNDS)
    return make_password(password)


def logins(outline: Outline) -> list[tuple[str, Role]]:
    """The logins that demo.json names: the first of every role."""
    first: dict[Role, str] = {}
    for username, role, _ in outline.people:
        first.setdefault(role, username)
    return [(username, role) for role, username in first.items()]


def create(outline: Outline, *, accounts: Mapping[str, Account], now: datetime) -> tuple[House, str]:
    """Store a merchant, its people without passwords. Returns it with its API key, which cannot be read again later."""
    since = now - KNOWN_FOR
    merchant = Merchant.objects.create(code=outline.code, name=outline.name, kind=outline.kind, created_at=since)
    stores = _create_stores(outline, merchant)
    terminals = {
        (shop.code, code): Terminal(store=stores[shop.code], code=code, software_version="4.2.1", last_seen_at=now)
        for shop in outline.shops
        for code in shop.terminals
    }
    Terminal.objects.bulk_create(terminals.values())
    staff = {
        username: Staff(
            merchant=merchant,
            username=username,
            name=name,
            role=role,
            all_stores=True,
            created_at=since,
            password=make_password(None),
        )
        for username, role, name in outline.people
    }
    Staff.objects.bulk_create(staff.values())
    owner = next(one for one in staff.values() if one.role == Role.OWNER)
    policies.publish(
        merchant=merchant,
        name=outline.policy_name,
        rules=dict(outline.rules),
        guides=outline.guides,
        by=principals.of_staff(owner),
        at=since,
    )
    maker = staff[f"{outline.code.lower()}.{KEY_MAKER}"]
    key, secret = new_key(merchant, maker, since)
    house = House(outline, merchant, stores, terminals, staff, keep_accounts(merchant, accounts), key)
    return house, secret


def _create_stores(outline: Outline, merchant: Merchant) -> dict[str, Store]:
    stores = {
        shop.code: Store(
            merchant=merchant,
            code=shop.code,
            name=shop.name,
            phone=f"0571-8800 {number:04d}",
            address=f"杭州市上城区延安路 {number * 12} 号",
            opening_hours="10:00-22:00",
            hours={"week": ["10:00-22:00"] * 7, "holiday": "09:30-22:30"},
        )
        for number, shop in enumerate(outline.shops, start=1)
    }
    Store.objects.bulk_create(stores.values())
    return stores


def new_key(merchant: Merchant, maker: Staff, at: datetime) -> tuple[ApiKey, str]:
    """A key for the tills with every scope."""
    by = principals.of_staff(maker)
    key, secret, _ = api_keys.issue(
        merchant=merchant, name=KEY_NAME, scopes=list(KeyScope.values), by=by, at=at, all_stores=True
    )
    return key, secret
