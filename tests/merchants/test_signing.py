"""What is signed: once, by this person's own passkey, and as it was kept."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.errors import Forbidden
from merchants import signing
from merchants.models import Merchant, Signature, Staff
from merchants.principals import SYSTEM, Principal, Shown, of_staff
from merchants.signing import Signed, Statement
from tests.factories import make_merchant, make_staff
from tests.passkeys import signed, with_passkey
from tests.second_factors import code_of, with_app

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Staff:
    return make_staff(make_merchant(), "manager")


def _sign(by: Principal, decision: str = "try", *, always: bool = True) -> Signed:
    return signing.sign(
        statement=lambda: Statement({"decision": decision, "request": "X"}),
        object_type="try",
        object_id=1,
        by=by,
        at=timezone.now(),
        always=always,
    )


def _kept() -> int:
    return Signature.objects.filter(object_type="try").count()


@pytest.mark.breaks_invariants
def test_sign_takes_an_assertion_once(staff: Staff) -> None:
    key, answers = with_passkey(staff), []

    def act(by: Principal) -> Signed:
        answers.append(by.shown.passkey if by.shown else "")
        return _sign(by)

    assert signed(staff, key, act).factor == "webauthn"
    with pytest.raises(signing.MustSign):
        signed(staff, key, lambda _by: _sign(of_staff(staff, Shown(passkey=answers[-1]))))
    assert (_kept(), signing.faults(Signature.objects.all())) == (1, {})


@pytest.mark.breaks_invariants
def test_sign_with_what_there_is_and_says_what_it_was(staff: Staff) -> None:
    assert _sign(of_staff(staff)).factor == "session"
    secret = with_app(staff)
    with pytest.raises(signing.MustSign) as asked:
        _sign(of_staff(staff, Shown(factor="totp", at=timezone.now())))
    assert (asked.value.takes_code, asked.value.passkey) == (True, "")
    assert asked.value.as_refusal().facts["statement"] == {"decision": "try", "request": "X"}
    shown = Shown(code=code_of(secret), address="198.51.100.7")
    assert _sign(of_staff(staff, shown)).factor == shown.accepted == "totp"
    Merchant.objects.filter(pk=staff.merchant_id).update(requires_passkeys_since=timezone.now())
    with pytest.raises(Forbidden) as refused:
        _sign(of_staff(staff, Shown(code=code_of(secret, periods=1))))
    assert (refused.value.code, _kept()) == ("passkey_required", 2)


def test_sign_what_needs_no_signature_keeps_none(staff: Staff) -> None:
    assert _sign(SYSTEM) == Signed()
    assert _sign(of_staff(staff), always=False) == Signed("session")
    assert _kept() == 0


@pytest.mark.breaks_invariants
def test_faults_when_a_row_was_changed_says_so(staff: Staff) -> None:
    key = with_passkey(staff)
    row = signed(staff, key, _sign).row
    assert row is not None
    row.factor = "totp"
    assert signing.faults([row])
    row.factor, row.statement = "webauthn", row.statement.replace("X", "Y")
    row.digest = signing.digest_of(row)
    assert signing.faults([row]) == {row.pk: "a passkey did not sign this"}
