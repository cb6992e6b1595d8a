"""A person with an app that shows codes, without a browser."""

from __future__ import annotations

import time

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp

from merchants.models import Staff


def code_of(secret: str, *, periods: int = 0) -> str:
    """What the app shows now, or some periods of 30 s later."""
    return str(totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + periods)))


def with_app(staff: Staff) -> str:
    """The secret of a new app of theirs."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(staff, secret)
    return str(secret)


def with_recovery_codes(staff: Staff) -> list[str]:
    return list(RecoveryCodes.activate(staff).generate_codes())
