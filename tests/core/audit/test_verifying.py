"""Somebody has the database and everything in it, and may silence triggers: what they do to the audit trail is found.

They have no key and not the folder with the heads. What they do here they do as the owner of the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from core import tenant_wall
from core.audit import chain, verifying
from core.audit.models import AuditLink
from invariants import inspection
from tests.factories import seal_events, write_events
from tests.owner import as_owner

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.breaks_invariants]


@pytest.fixture(autouse=True)
def trail() -> None:
    """Two chains, sealed, with their heads written outside."""
    write_events(6)
    write_events(3, merchant_id=2)
    seal_events()
    assert inspection.check() == []


def _as_superuser(*statements: str) -> None:
    with transaction.atomic(), as_owner(silent=True) as cursor:
        for statement in statements:
            cursor.execute(statement)
            assert cursor.rowcount != 0, f"nothing was done by {statement}"


def _recompute(merchant_id: int = 1) -> None:
    """Every hash of a chain anew, as anybody can who knows how it is made and has no key."""
    previous = chain.GENESIS
    for link in AuditLink.objects.filter(merchant_id=merchant_id).select_related("event").order_by("seq"):
        previous = chain.digest(previous, link.event)
        _as_superuser(f"UPDATE core_auditlink SET hash = '\\x{previous.hex()}' WHERE event_id = {link.pk}")


def _edit() -> None:
    _as_superuser("""UPDATE core_auditevent SET data = '{"amount_fen": 1}' WHERE merchant_id = 1 AND object_id = '2'""")


def _edit_and_recompute() -> None:
    _edit()
    _recompute()


def _cut_the_tail() -> None:
    _as_superuser(
        "DELETE FROM core_auditlink WHERE merchant_id = 1 AND seq > 4",
        "DELETE FROM core_auditevent e WHERE NOT EXISTS (SELECT FROM core_auditlink l WHERE l.event_id = e.id)",
        "UPDATE core_auditsealpoint SET (txid, event_id) = "
        "(SELECT txid, id FROM core_auditevent ORDER BY txid DESC, id DESC LIMIT 1)",
    )


def _cut_a_whole_chain() -> None:
    _as_superuser(
        "DELETE FROM core_auditlink WHERE merchant_id = 2", "DELETE FROM core_auditevent WHERE merchant_id = 2"
    )


def _cut_out_of_the_middle_and_recompute() -> None:
    _as_superuser(
        "DELETE FROM core_auditlink WHERE merchant_id = 1 AND seq = 3",
        "DELETE FROM core_auditevent e WHERE NOT EXISTS (SELECT FROM core_auditlink l WHERE l.event_id = e.id)",
        "UPDATE core_auditlink SET seq = seq + 100 WHERE merchant_id = 1 AND seq > 3",
        "UPDATE core_auditlink SET seq = seq - 101 WHERE merchant_id = 1 AND seq > 100",
    )
    _recompute()


_COLUMNS = (
    "merchant_id, at, actor_kind, actor_id, actor_name, action, object_type, object_id, from_state, to_state, data"
)


def _backdate() -> None:
    """In an ordinary transaction, sealed by ourselves at the next turn; only its time is another."""
    long_ago = timezone.now() - timedelta(days=40)
    _as_superuser(
        f"INSERT INTO core_auditevent ({_COLUMNS}) VALUES "
        f"(1, '{long_ago.isoformat()}', 'staff', '7', 'Wang', 'refund.approve', 'thing', '9', '', '', '{{}}')"
    )
    seal_events()


def _backdate_into_the_chain() -> None:
    """Between two others, with a link, and everything after it moved up and recomputed."""
    _as_superuser(
        f"INSERT INTO core_auditevent (id, txid, {_COLUMNS}) SELECT -id, txid, merchant_id, at, 'staff', '7', 'Wang', "
        "'refund.approve', 'thing', '9', '', '', '{}' FROM core_auditevent WHERE merchant_id = 1 AND object_id = '2'",
        "UPDATE core_auditlink SET seq = seq + 100 WHERE merchant_id = 1 AND seq > 2",
        "UPDATE core_auditlink SET seq = seq - 99 WHERE merchant_id = 1 AND seq > 100",
        "INSERT INTO core_auditlink (event_id, merchant_id, seq, hash) "
        "SELECT id, 1, 3, '\\x00' FROM core_auditevent WHERE id < 0",
    )
    _recompute()


def _backdate_before_the_seal_point() -> None:
    _as_superuser(
        f"INSERT INTO core_auditevent (txid, {_COLUMNS}) "
        "VALUES (3, 1, '2026-01-01', 'staff', '7', 'Wang', 'refund.approve', 'thing', '9', '', '', '{}')"
    )


def _swap_two_and_recompute() -> None:
    _as_superuser(
        "UPDATE core_auditlink SET seq = 100 WHERE merchant_id = 1 AND seq = 2",
        "UPDATE core_auditlink SET seq = 2 WHERE merchant_id = 1 AND seq = 3",
        "UPDATE core_auditlink SET seq = 3 WHERE merchant_id = 1 AND seq = 100",
    )
    _recompute()


def _begin_anew() -> None:
    """Forget that anything was ever sealed, and let the sealer do the work."""
    _as_superuser(
        "DELETE FROM core_auditlink",
        """UPDATE core_auditevent SET data = '{"amount_fen": 1}' WHERE merchant_id = 1 AND object_id = '2'""",
        "DELETE FROM core_auditsealpoint",
    )


_ATTACKS: list[Callable[[], None]] = [
    _edit,
    _edit_and_recompute,
    _cut_the_tail,
    _cut_a_whole_chain,
    _cut_out_of_the_middle_and_recompute,
    _backdate,
    _backdate_into_the_chain,
    _backdate_before_the_seal_point,
    _swap_two_and_recompute,
    _begin_anew,
]


@pytest.mark.parametrize("attack", _ATTACKS, ids=[attack.__name__.strip("_") for attack in _ATTACKS])
def test_trail_when_somebody_has_the_database_is_found_to_be_changed(attack: Callable[[], None]) -> None:
    attack()
    assert {breach.code for breach in inspection.check()} == {"I9"}
    # And goes on being found when work goes on.
    write_events(1)
    assert "I9" in {breach.code for breach in inspection.check()}


@pytest.mark.parametrize("harm", [_edit, _cut_the_tail])
def test_verify_of_one_merchant_finds_what_was_done_to_it_and_says_nothing_of_others(harm: Callable[[], None]) -> None:
    harm()
    assert verifying.verify(merchant_id=2).breaches == []
    with tenant_wall.within(1):
        found = verifying.verify(merchant_id=1)
    assert {breach.merchant_id for breach in found.breaches} == {1}


def test_verify_of_one_merchant_when_all_is_well_reaches_its_head() -> None:
    with tenant_wall.within(2):
        found = verifying.verify(whole=False, merchant_id=2)
    assert found.breaches == []
    assert found.reached[2][0] == 3
