"""``manage.py create_merchant CODE --owner NAME``: a merchant with cautious rules, and the link by which its owner comes in.
The only step in a shell.

Of a merchant that is there already it invites one more owner: the way back where nobody can sign in any more.
"""

import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from merchants import invitations, policies, principals, team
from merchants.models import Merchant, MerchantKind

#: What a merchant begins with: a person decides everything, and above 1,000 yuan a manager or owner.
_FIRST_RULES = {
    "auto_approve_limit_fen": 0,
    "handling_minutes": 30,
    "complex_handling_hours": 24,
    "tiers": [
        {"name": "manager", "limit_fen": 100_000, "roles": ["reviewer", "manager", "owner"]},
        {"name": "head_office", "limit_fen": None, "roles": ["manager", "owner"]},
    ],
    "reasons": {
        name: {"extent": "any", "max_share_percent": 100, "window_days": days, "instant": False}
        for name, days in (("quality", 7), ("not_as_described", 7), ("no_reason", 7), ("duplicate_charge", 30))
    },
    "routes": ["original"],
}


class Command(BaseCommand):
    help = "Make a merchant, or invite one more owner of it, and print the owner's invitation link."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", help="short, unique: M004")
        parser.add_argument("--owner", required=True, help="the owner's name")
        parser.add_argument("--name", default="", help="the merchant's name, by default its code")
        parser.add_argument("--kind", choices=MerchantKind.values, default=MerchantKind.RETAIL)

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        code, now = options["code"].strip(), timezone.now()
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", code) or not options["owner"].strip():
            raise CommandError("a code is up to 20 letters, digits and dashes, and an owner has a name")
        merchant, made = Merchant.objects.get_or_create(
            code=code,
            defaults={
                "name": options["name"] or code,
                "kind": options["kind"],
                "requires_second_factor": True,
                "created_at": now,
            },
        )
        if made:
            policies.publish(
                merchant=merchant, name=merchant.name[:80], rules=_FIRST_RULES, by=principals.SYSTEM, at=now
            )
        staff, token = team.invite_owner(merchant=merchant, name=options["owner"].strip()[:60], at=now)
        done = "is made" if made else "is there; one more owner is invited"
        self.stdout.write(f"{merchant.code} {done}. Login of {staff.name}: {staff.username}")
        self.stdout.write(f"Good once, for {invitations.GOOD_FOR.days} days:")
        self.stdout.write(invitations.link(token))
