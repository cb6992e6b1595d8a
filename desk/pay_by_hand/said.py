"""What a person is about to say of a payout by hand, between the form and the second step.

The second step gets what was shown as one sealed text: nothing can differ between what was compared and what is recorded, and
nothing is recorded that was not shown first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.core import signing
from django.http import QueryDict

from core.errors import Invalid
from desk import forms
from merchants.principals import Principal
from refunds.models import RefundRequest

#: A page older than this is looked at once more.
_LASTS_S = 30 * 60
_SALT = "desk.hand_confirmation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """``paid`` with number, time and drawer as they were typed, or not paid with trouble and note."""

    paid: bool
    version: int
    reference_no: str = ""
    paid_at: str = ""
    drawer: str = ""
    trouble: str = ""
    note: str = ""


def read(data: QueryDict) -> Said:
    """The first step's form. Raises ``Invalid`` without a version."""
    version = forms.version(data)
    if data.get("paid") == "no":
        return Said(paid=False, version=version, trouble=data.get("trouble", ""), note=data.get("note", ""))
    return Said(
        paid=True,
        version=version,
        reference_no=data.get("reference_no", ""),
        paid_at=data.get("paid_at", ""),
        drawer=data.get("drawer", ""),
    )


def seal(said: Said, *, request: RefundRequest, by: Principal) -> str:
    """For this person and this refund only."""
    return signing.dumps({**asdict(said), "for": _who(request, by)}, salt=_SALT)


def unseal(text: str, *, request: RefundRequest, by: Principal) -> Said:
    """What ``seal`` was given. Raises ``Invalid`` for anything else, for another refund or person, and when it is too old."""
    try:
        values = signing.loads(text, salt=_SALT, max_age=_LASTS_S)
    except signing.BadSignature as error:
        raise Invalid("the confirmation cannot be read", code="confirmation_stale") from error
    if values.pop("for") != _who(request, by):
        raise Invalid("the confirmation is of another refund", code="confirmation_stale")
    return Said(**values)


def _who(request: RefundRequest, by: Principal) -> list[str]:
    return [str(request.pk), str(by.person_id)]
