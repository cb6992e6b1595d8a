"""Signing in with user name and password, and what it costs to guess.

Wrong passwords are counted for the account, wherever they come from, and for the address, whatever names it tries. Both only
slow down: see ``core.guessing``. A browser that has signed in to the account before carries a signed token and is counted by
itself, so that nobody keeps the owner out by guessing from elsewhere.

Nothing here tells whether there is such a name: unknown ones are counted, waited for and hashed like any other.
"""

import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import authenticate
from django.core import signing
from django.utils.crypto import salted_hmac

from core.guessing import Bucket, Limit, Try, forget, give_back, take
from merchants.models import Staff

#: Of one account: five tries, then 5, 10, 20 s and so on, a quarter of an hour at most.
OF_ACCOUNT = Limit(free=5, first_wait_s=5, longest_wait_s=900)
#: Of one address, over all accounts: a shop's people share one.
OF_ADDRESS = Limit(free=10, first_wait_s=5, longest_wait_s=300)
#: Of one browser that has signed in to the account before.
OF_DEVICE = OF_ACCOUNT

#: How long a browser is known after its last sign-in.
KNOWN_FOR_S = 180 * 24 * 3600
_SALT = "merchants.sign_in.device"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """``staff`` is None for a wrong name or password; ``tried`` then says what comes next."""

    staff: Staff | None
    tried: Try
    device_token: str = ""


def sign_in(*, username: str, password: str, address: str, device_token: str) -> SignedIn:
    """Look at one name and password. Raises ``core.guessing.TooManyGuesses``, and then they were not looked at.

    ``address`` is the caller's, "" where nobody knows it; ``device_token`` is what the last ``SignedIn`` of this browser and
    account held, or anything else.
    """
    account = account_of(username)
    device = _device_of(device_token, account)
    tried = take(*_buckets(account, address, device))
    found: Any = authenticate(None, username=username, password=password)
    if not isinstance(found, Staff):
        return SignedIn(None, tried)
    give_back(tried)
    if device:
        forget(_device_bucket(account, device))
    token = signing.dumps([account, device or secrets.token_hex(8)], salt=_SALT)
    return SignedIn(found, tried, token)


def show_second(*, staff: Staff, address: str, check: Callable[[], str]) -> tuple[str, Try]:
    """Look at a second factor by ``check``, which says its kind or "" for a wrong one. Counted like passwords and apart from
    them; raises ``TooManyGuesses``, and then it was not looked at.
    """
    buckets = [Bucket(name=f"second:{staff.pk}", limit=OF_ACCOUNT, promised_to=address)]
    if address:
        buckets.append(Bucket(name=f"address:{address}", limit=OF_ADDRESS))
    tried = take(*buckets)
    kind = check()
    if kind:
        give_back(tried)
    return kind, tried


def account_of(username: str) -> str:
    """What counts as one account: no second row of tries for ``Anna`` and ``anna``."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def _buckets(account: str, address: str, device: str) -> list[Bucket]:
    if device:
        return [Bucket(name=_device_bucket(account, device), limit=OF_DEVICE)]
    of_account = Bucket(name=f"account:{account}", limit=OF_ACCOUNT, promised_to=address)
    return [of_account, Bucket(name=f"address:{address}", limit=OF_ADDRESS)] if address else [of_account]


def _device_bucket(account: str, device: str) -> str:
    return f"device:{device}:{account}"


def _device_of(token: str, account: str) -> str:
    """The browser's own name, if it has signed in to this account before."""
    try:
        of_account, device = signing.loads(token, salt=_SALT, max_age=KNOWN_FOR_S)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(device) if of_account == account else ""


def cookie_suffix(username: str) -> str:
    """A name for the account in a cookie's name, from which nobody reads the account."""
    return salted_hmac(_SALT, account_of(username), algorithm="sha256").hexdigest()[:12]
