"""What `inspection.check()` finds, found quickly: once after every test on the database, some thousands of times a run.

One statement, prepared once a connection, asks for every invariant; planning it forty times over was most of the cost. Only
where its answer is not that of sound rows does `inspection.check()` look, and say what is wrong. That the two agree is tested
wherever a breach is planted (tests/invariants/test_catalogue.py).
"""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from django.db import connection

from core.audit import chain, heads, verifying
from core.audit.models import AuditEvent
from core.audit.record import is_ours
from invariants import inspection
from invariants.breach import Breach
from invariants.catalogue import INVARIANTS

# Who may change or empty a table, and which triggers keep him from it. No xmin of pg_class: TRUNCATE renews it.
_GUARDS = """
SELECT concat_ws(' ', current_user, current_setting('session_replication_role'),
  (SELECT md5(string_agg(concat_ws(' ', c.oid, c.relowner, c.relacl, c.relrowsecurity, c.relhasrules), ',' ORDER BY c.oid))
     FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'),
  (SELECT concat_ws(' ', count(*), sum(t.xmin::text::bigint)) FROM pg_trigger t WHERE NOT t.tgisinternal),
  (SELECT concat_ws(' ', count(*), sum(p.xmin::text::bigint)) FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace),
  (SELECT concat_ws(' ', count(*), sum(m.xmin::text::bigint)) FROM pg_auth_members m),
  (SELECT concat_ws(' ', rolsuper, rolbypassrls) FROM pg_roles WHERE rolname = current_user))
"""
_SOUND = f"""
SELECT ({_GUARDS}),
  EXISTS (SELECT FROM core_auditlink) OR EXISTS (SELECT FROM core_auditsealpoint),
  EXISTS (SELECT FROM core_auditevent),
  EXISTS (SELECT FROM refunds_approval WHERE decision IN ('approve', 'reject'))
    OR EXISTS (SELECT FROM refunds_refundrequest WHERE state = 'rejected')
    OR EXISTS (SELECT FROM merchants_signature WHERE factor <> 'session'),
  (SELECT count(*) FROM (
     {" UNION ALL ".join(f"(SELECT FROM ({invariant.sql}) AS breach LIMIT 1)" for invariant in INVARIANTS)}) AS broken)
"""

_prepared: WeakSet[Any] = WeakSet()
_guards_that_held: set[str] = set()


def breaches() -> list[Breach]:
    """All breaches at this moment; empty exactly where `inspection.check()` finds none."""
    guards, sealed, recorded, approved, broken = _asked()
    looks_sound = not broken and guards in _guards_that_held and _trail_holds(sealed=sealed, recorded=recorded)
    looks_sound = looks_sound and not (approved and any(inspection.unvouched()))
    found = [] if looks_sound else inspection.check()
    if not found:
        _guards_that_held.add(guards)
    return found


def _asked() -> tuple[str, bool, bool, bool, int]:
    connection.ensure_connection()
    with connection.cursor() as cursor:
        if connection.connection not in _prepared:
            cursor.execute(f"PREPARE sound_rows AS {_SOUND}")
            _prepared.add(connection.connection)
        cursor.execute("EXECUTE sound_rows")
        found: tuple[str, bool, bool, bool, int] = cursor.fetchone()
    return found


def _trail_holds(*, sealed: bool, recorded: bool) -> bool:
    """Whether each event was written by us, once, and what can be sealed is, in an unbroken chain."""
    if not sealed and heads.is_empty():
        if not recorded:
            return True
        if connection.in_atomic_block:
            # The sealer passes over what is not committed, so there is no chain to follow.
            events = list(AuditEvent.objects.all())
            return all(map(is_ours, events)) and len({bytes(event.mac or b"") for event in events}) == len(events)
    try:
        chain.seal_events()
    except chain.SealRefused:
        return False
    return not verifying.verify().breaches
