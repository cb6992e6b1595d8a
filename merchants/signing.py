"""Decisions that cannot be forged: whoever decides signs the very fields that they were shown.

A statement says what is decided, as canonical JSON. A passkey signs its SHA-256; where there is none, an app's code or, of who
has neither, the session stands beside it, and that is recorded. The row is kept for good; the event of the act, which nobody
without the audit key can write, names its digest. Who decides what needs no signature shows a second factor every five minutes
(docs/adr/0044).
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Max

from core.client_address import client_address
from core.errors import Conflict, Forbidden
from core.guessing import TooManyGuesses
from merchants import second_factor, sign_in
from merchants.models import Signature, Staff
from merchants.principals import Principal, Shown
from merchants.second_factor import Assertion

#: So long a session may decide after it has shown a second factor.
FRESH_FOR = timedelta(minutes=5)
SESSION, PASSKEY = "session", "webauthn"
#: What a browser's session remembers of the second factor that it has shown.
_KEY = "second_factor"


class PasskeyRequired(Forbidden, code="passkey_required"):
    """The merchant requires that this is signed with a passkey, and this person has none."""


class TooManyCodes(Conflict, code="too_many_guesses"):
    """There were too many wrong codes: this one was not looked at."""

    status = 429


@dataclass(frozen=True, slots=True)
class Statement:
    """What is decided. ``told`` has words for people in place of fields that are none, such as a hash."""

    fields: Mapping[str, str | int]
    told: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return json.dumps(dict(self.fields), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class MustSign(Exception):
    """Nothing was done yet: the person shows with this act that it is theirs. No refusal, so that no form takes it for one.

    ``passkey`` is what the browser is asked ("" for who has none); ``takes_code``: an app's code will do. ``was_wrong``: what was
    shown was not right, or signed other fields than these.
    """

    def __init__(self, statement: Statement, *, passkey: str, takes_code: bool, was_wrong: bool, always: bool) -> None:
        super().__init__("a second factor is to be shown with this act")
        self.statement = statement
        self.passkey, self.takes_code, self.was_wrong, self.always = passkey, takes_code, was_wrong, always

    def as_refusal(self) -> Forbidden:
        """The same for who cannot be asked, or asks by a call."""
        return Forbidden(
            "a second factor is to be shown with this act",
            code="signature_needed",
            statement=dict(self.statement.fields),
            challenge=challenge(self.statement.text).hex(),
            passkey=json.loads(self.passkey) if self.passkey else None,
            takes_code=self.takes_code,
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """How somebody showed that a decision is theirs; ``row`` where it is one that is signed."""

    factor: str = ""
    row: Signature | None = None

    @property
    def told(self) -> dict[str, str]:
        """What the act's event says of it."""
        if not self.factor:
            return {}
        return {"factor": self.factor, **({} if self.row is None else {"signed": bytes(self.row.digest).hex()})}


def shown_in_session(session: Any, meta: Mapping[str, str]) -> Shown:
    """What a browser's session has shown of a second factor."""
    shown, kept = Shown(address=client_address(meta)), session.get(_KEY)
    if kept:
        shown.factor, shown.at = kept["kind"], datetime.fromtimestamp(kept["at"], UTC)
    return shown


def remember(session: Any, kind: str, *, at: datetime) -> None:
    """The session has shown it now."""
    session[_KEY] = {"kind": kind, "at": at.timestamp()}


def challenge(statement: str) -> bytes:
    """What a passkey signs for a statement: its SHA-256, 32 bytes."""
    return hashlib.sha256(statement.encode()).digest()


def sign(
    *,
    statement: Callable[[], Statement],
    object_type: str,
    object_id: object,
    by: Principal,
    at: datetime,
    always: bool = True,
) -> Signed:
    """Ask the person for what they owe with this act: ``always`` for what is signed, otherwise a second factor of the last five
    minutes, which costs no statement.

    Raises ``MustSign`` where it was not shown, or was wrong; ``PasskeyRequired``; ``TooManyCodes``. Inside a transaction.
    """
    if by.staff_id is None:
        return Signed()
    shown = by.shown or Shown()
    shows_now = bool(shown.passkey or shown.code)
    if not (always or shows_now):
        if not shown.factor:
            return Signed(SESSION)
        if shown.at is not None and at - shown.at <= FRESH_FOR:
            return Signed(shown.factor)
    staff = Staff.objects.select_related("merchant").get(pk=by.staff_id)
    kinds = {one.kind for one in second_factor.factors(staff)}
    only_passkeys = always and staff.merchant.requires_passkeys_since is not None
    if only_passkeys and PASSKEY not in kinds:
        raise PasskeyRequired("this is signed with a passkey")
    if not kinds:
        return Signed(SESSION, _keep(statement(), SESSION, None, object_type, object_id, staff, at) if always else None)
    said = statement()
    factor, assertion = "", None
    if shown.passkey:
        assertion = _assertion(staff, shown, said, at)
        factor = "" if assertion is None else PASSKEY
    elif shown.code and not only_passkeys:
        factor = _code(staff, shown, at)
    if not factor:
        raise MustSign(
            said,
            # Without a browser there is nobody to ask.
            passkey=second_factor.signature_request(staff, challenge(said.text)) if by.shown else "",
            takes_code="totp" in kinds and not only_passkeys,
            was_wrong=shows_now,
            always=always,
        )
    shown.accepted = factor
    return Signed(factor, _keep(said, factor, assertion, object_type, object_id, staff, at) if always else None)


def _assertion(staff: Staff, shown: Shown, said: Statement, at: datetime) -> Assertion | None:
    found = second_factor.check_signature(
        staff=staff,
        answer=shown.passkey,
        challenge=challenge(said.text),
        at=at,
        is_shown_again=shown.is_shown_again,
    )
    if found is None or Signature.objects.filter(signed=found.signed).exists():
        return None
    if shown.is_shown_again:
        # Other decisions may have been signed, and have taken effect, meanwhile.
        return found
    before = Signature.objects.filter(credential=found.credential).aggregate(last=Max("counter"))["last"] or 0
    # A key that counts and counts backwards has a double.
    return None if found.counter <= before and (found.counter or before) else found


def _code(staff: Staff, shown: Shown, at: datetime) -> str:
    try:
        kind, _tried = sign_in.show_second(
            staff=staff,
            address=shown.address,
            check=lambda: second_factor.check_code(staff=staff, code=shown.code, at=at),
        )
    except TooManyGuesses as error:
        raise TooManyCodes("too many wrong codes", retry_after_s=error.wait_s) from error
    return kind


def _keep(
    said: Statement,
    factor: str,
    assertion: Assertion | None,
    object_type: str,
    object_id: object,
    staff: Staff,
    at: datetime,
) -> Signature:
    row = Signature(
        merchant_id=staff.merchant_id,
        staff=staff,
        object_type=object_type,
        object_id=str(object_id),
        statement=said.text,
        factor=factor,
        at=at,
    )
    if assertion is not None:
        row.assertion, row.credential = assertion.kept, assertion.credential
        row.signed, row.counter = assertion.signed, assertion.counter
    row.digest = digest_of(row)
    row.save(force_insert=True)
    return row


def digest_of(row: Signature) -> bytes:
    """Over all that a row says."""
    said: list[Any] = [row.merchant_id, row.staff_id, row.object_type, row.object_id, row.statement, row.factor]
    said += [row.assertion, row.counter, row.at.timestamp()]
    said += [None if part is None else bytes(part).hex() for part in (row.credential, row.signed)]
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).digest()


def faults(rows: Iterable[Signature]) -> dict[int, str]:
    """Of kept signatures those that do not hold, and why."""
    rows = list(rows)
    known = second_factor.public_keys(row.merchant_id for row in rows if row.factor == PASSKEY)
    found = {}
    for row in rows:
        if bytes(row.digest) != digest_of(row):
            found[row.pk] = "a signature was changed"
        elif row.factor != PASSKEY:
            continue
        elif not second_factor.proves(row.assertion, challenge(row.statement)):
            found[row.pk] = "a passkey did not sign this"
        # One that was removed since is proven by its key as it was kept.
        elif known.get(bytes(row.credential or b""), (row.staff_id, row.assertion["public_key"])) != (
            row.staff_id,
            row.assertion["public_key"],
        ):
            found[row.pk] = "signed with another person's passkey, or under another key"
    return found
