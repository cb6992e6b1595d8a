"""The sample merchant that asks for two factors."""

from __future__ import annotations

import pytest
from django.utils import timezone

from merchants import second_factor
from merchants.models import Merchant, Staff
from samples.demo import guarded
from samples.demo.demo_json import Secrets
from tests.second_factors import code_of

pytestmark = pytest.mark.django_db


def test_keep_makes_it_once_and_gives_lost_secrets_anew() -> None:
    secrets, now = Secrets(), timezone.now()
    guarded.keep(secrets, now=now)
    before = dict(secrets.passwords), dict(secrets.apps)
    guarded.keep(secrets, now=now)
    assert (secrets.passwords, secrets.apps) == before
    merchant = Merchant.objects.get()
    assert (merchant.code, merchant.requires_second_factor, merchant.staff.count()) == ("M003", True, 5)
    del secrets.passwords["m003.owner"]
    guarded.keep(secrets, now=now)
    owner = Staff.objects.get(username="m003.owner")
    assert owner.check_password(secrets.passwords["m003.owner"])
    assert secrets.apps["m003.owner"] != before[1]["m003.owner"]
    assert secrets.apps["m003.cashier"] == before[1]["m003.cashier"]
    assert second_factor.check_code(staff=owner, code=code_of(secrets.apps["m003.owner"]), at=now) == "totp"
