"""One's own account: password, language, second factors, browsers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import get_language

from desk.access import Scope
from desk.filters import Choice
from merchants import account, second_factor
from merchants.models import Role, StaffSession
from merchants.second_factor import MOST_PASSKEYS, Factor


@dataclass(frozen=True, slots=True)
class BrowserRow:
    """A browser that is signed in; ``name`` is short, the row has all that it said of itself."""

    row: StaffSession
    name: str
    is_current: bool


#: What browsers and systems call themselves, those first that also claim to be others.
_BROWSERS = ("MicroMessenger", "Edg", "OPR", "Firefox", "Chrome", "Safari")
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")


def browser_name(told: str) -> str:
    """``Chrome · Windows`` out of a User-Agent; the start of it where nothing is known."""
    names = [next((name for name in known if name in told), "") for known in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, names)) or told[:40]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """``errors`` by the form that was refused: ``password``, ``language`` or ``factor``."""

    login: str
    role: str
    choices: Sequence[Choice]
    chosen: str
    factors: Sequence[Factor]
    codes_left: int
    is_required: bool
    may_add: bool
    sessions: Sequence[BrowserRow]
    error_in: str
    form_error: str


def account_page(
    *, scope: Scope, session_key: str | None, at: datetime, error_in: str = "", form_error: str = ""
) -> AccountPage:
    staff = scope.staff
    found = second_factor.factors(staff)
    return AccountPage(
        login=staff.username,
        role=str(Role(staff.role).label),
        choices=[Choice(code, label) for code, label in settings.LANGUAGES],
        chosen=staff.language or get_language() or "",
        factors=found,
        codes_left=second_factor.recovery_codes_left(staff),
        is_required=second_factor.is_required(staff),
        may_add=len(found) < MOST_PASSKEYS,
        sessions=[
            BrowserRow(one.row, browser_name(one.row.browser), one.is_current)
            for one in account.sessions(by=scope.by, session_key=session_key, at=at)
        ],
        error_in=error_in,
        form_error=form_error,
    )
