"""The third sample merchant: everybody signs in with a second factor. It sells nothing; it is there to be signed in to."""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.totp.internal import auth as totp
from django.db import transaction

from merchants import policies, principals, second_factor
from merchants.models import Merchant, Role, Staff, Store
from samples.demo.demo_json import Secrets
from samples.demo.merchants import GUARDED, KNOWN_FOR, hashed, new_password


@transaction.atomic
def keep(secrets: Secrets, *, now: datetime) -> None:
    """Make it where it is missing; whoever's secrets the file has lost gets new ones."""
    merchant = Merchant.objects.filter(code=GUARDED.code).first() or _made(now)
    lost = {name for name, _, _ in GUARDED.people if not (name in secrets.passwords and name in secrets.apps)}
    if not lost:
        return
    for staff in merchant.staff.filter(username__in=lost).order_by("pk"):
        secrets.passwords[staff.username], secrets.apps[staff.username] = new_password(), totp.generate_totp_secret()
        staff.password = hashed(secrets.passwords[staff.username])
        staff.save()
        second_factor.clear(staff)
        totp.TOTP.activate(staff, secrets.apps[staff.username])


def _made(now: datetime) -> Merchant:
    since = now - KNOWN_FOR
    merchant = Merchant.objects.create(
        code=GUARDED.code, name=GUARDED.name, kind=GUARDED.kind, requires_second_factor=True, created_at=since
    )
    for shop in GUARDED.shops:
        Store.objects.create(merchant=merchant, code=shop.code, name=shop.name)
    for username, role, name in GUARDED.people:
        staff = Staff(merchant=merchant, username=username, name=name, role=role, all_stores=True, created_at=since)
        staff.set_unusable_password()
        staff.save()
    owner = principals.of_staff(merchant.staff.get(role=Role.OWNER))
    policies.publish(
        merchant=merchant,
        name=GUARDED.policy_name,
        rules=dict(GUARDED.rules),
        guides=GUARDED.guides,
        by=owner,
        at=since,
    )
    return merchant
