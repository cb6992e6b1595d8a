"""Migrating under the owner's login."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]


def test_migrating_under_a_login_that_does_not_own_the_tables_is_refused_in_a_sentence(
    settings: Settings,
) -> None:
    settings.DATABASE_OWNER = None
    with pytest.raises(CommandError, match="belong to refunddesk_owner, and refunddesk migrates"):
        call_command("migrate", verbosity=0)
