"""Links by which a person sets their password: the first one, or a new one after a reset.

Only a token's hash is stored. Unknown, expired, used and revoked ones are one and the same to whoever follows them.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse

from core.audit.record import record_of
from core.errors import Invalid, NotFound
from core.plain_text import one_line
from merchants.models import Invitation, Staff
from merchants.principals import Principal, of_staff

GOOD_FOR: Final = timedelta(days=3)
#: A reset is waited for.
RESET_GOOD_FOR: Final = timedelta(hours=4)


class WeakPassword(Invalid):
    """``reasons`` are sentences in the reader's language."""

    code = "password_weak"

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("the password is too easy to guess")
        self.reasons = tuple(reasons)


def make(*, staff: Staff, is_reset: bool, by: Principal, at: datetime) -> str:
    """The token of a new link; those before it are void. ``merchants.team`` has asked who may, and holds the merchant."""
    revoke(staff=staff, at=at)
    token = secrets.token_urlsafe(32)
    Invitation.objects.create(
        merchant_id=staff.merchant_id,
        staff=staff,
        is_reset=is_reset,
        token_hash=_hash(token),
        made_by_id=by.staff_id,
        made_at=at,
        expires_at=at + (RESET_GOOD_FOR if is_reset else GOOD_FOR),
    )
    return token


def revoke(*, staff: Staff, at: datetime) -> None:
    """Void the open link, if there is one."""
    Invitation.objects.filter(staff=staff, used_at=None, revoked_at=None).update(revoked_at=at)


def link(token: str) -> str:
    """The address to hand over."""
    return f"{settings.BASE_URL}{reverse('join', args=[token])}"


def found(*, token: str, at: datetime) -> Invitation | None:
    """The invitation of a token that still works."""
    row = Invitation.objects.filter(token_hash=_hash(token)).select_related("staff", "merchant").first()
    return row if row is not None and _works(row, at) else None


@transaction.atomic
def accept(*, token: str, name: str, password: str, language: str, at: datetime) -> Staff:
    """Set the password, and for a first one name and language, and let the person in; the link is used up.

    Raises ``NotFound`` where it does not work, ``WeakPassword``, or ``Invalid`` for a missing name. Of two at once, one does.
    """
    people = Staff.objects.select_for_update(of=("self",)).select_related("merchant")
    # The person first, then their link: as ``merchants.team`` takes them.
    staff = people.filter(invitations__token_hash=_hash(token)).first()
    row = Invitation.objects.select_for_update().filter(token_hash=_hash(token)).first()
    if row is None or staff is None or not _works(row, at):
        raise NotFound("this link does not work", code="invitation_gone")
    if not row.is_reset:
        staff.name = one_line(name, limit=60)
        if not staff.name:
            raise Invalid("a person has a name", code="person_name_missing")
        staff.language = language if language in dict(settings.LANGUAGES) else ""
        staff.is_active = True
    set_password(staff, password)
    staff.save()
    row.used_at = at
    row.save(update_fields=["used_at"])
    action = "staff.password_reset" if row.is_reset else "staff.join"
    record_of(staff, by=of_staff(staff).actor, action=action, at=at)
    return staff


def set_password(staff: Staff, password: str) -> None:
    """On the row in memory. Raises ``WeakPassword``."""
    try:
        password_validation.validate_password(password, staff)
    except ValidationError as error:
        raise WeakPassword(error.messages) from error
    staff.set_password(password)


def _works(row: Invitation, at: datetime) -> bool:
    return row.used_at is None and row.revoked_at is None and row.expires_at > at


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
