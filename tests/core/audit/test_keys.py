"""The key of the audit trail: missing or wrong, nothing starts; another one takes over with an event that says from where."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction

from core.audit import chain, keys, verifying
from core.audit.models import AuditEvent, AuditLink, AuditSealPoint
from tests.factories import seal_events, write_events
from tests.owner import as_owner

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.breaks_invariants]

ROOT = Path(__file__).resolve().parents[3]
ANOTHER = base64.b64encode(b"another" + bytes(25)).decode()


@pytest.fixture
def sealed() -> None:
    write_events(3)
    write_events(2, merchant_id=2)
    seal_events()


_COMMANDS = {
    "web": ["gunicorn", "config.wsgi", "--preload", "--bind", "127.0.0.1:0", "--no-control-socket"],
    "worker": ["celery", "-A", "config", "worker", "--pool", "solo", "--loglevel", "ERROR"],
    "beat": ["celery", "-A", "config", "beat", "--pidfile", "", "--schedule", "beat-schedule"],
    "command": ["manage", "check_invariants"],
    "migrate": ["manage", "migrate", "--check"],
}


def _start(name: str, folder: Path, **more: str) -> tuple[int, str]:
    """``folder``: what a process writes, or takes away, where it stands is nobody's."""
    program, *arguments = _COMMANDS[name]
    argv = [sys.executable, str(ROOT / "manage.py")] if program == "manage" else [sys.executable, "-m", program]
    named = connection.settings_dict
    env = {
        **os.environ,
        "DATABASE_URL": f"postgres://{named['USER']}:{named['PASSWORD']}@{named['HOST']}:{named['PORT']}/{named['NAME']}",
        "AUDIT_HEADS_DIR": str(settings.AUDIT_HEADS_DIR),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(ROOT),
        # As in the demo: what refuses must not hang on Celery's own checks.
        "CELERY_SKIP_CHECKS": "1",
        **more,
    }
    done = subprocess.run(
        [*argv, *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("name", _COMMANDS)
def test_process_when_the_key_is_another_one_does_not_start_and_says_why(name: str, tmp_path: Path) -> None:
    code, said = _start(name, tmp_path, AUDIT_KEY=ANOTHER)
    assert code != 0
    assert "is not the key under which this database's audit trail is sealed" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("name", "key", "sentence"),
    [
        *((name, "", "AUDIT_KEY is not set") for name in ("web", "command")),
        ("command", "c2hvcnQ=", "AUDIT_KEY must be 32 bytes"),
    ],
)
def test_process_when_the_key_is_missing_or_none_does_not_start_and_says_why(
    name: str, key: str, sentence: str, tmp_path: Path
) -> None:
    code, said = _start(name, tmp_path, AUDIT_KEY=key)
    assert code != 0
    assert sentence in said
    assert "Traceback" not in said


@pytest.mark.usefixtures("sealed")
def test_sealing_under_another_key_is_refused_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "AUDIT_KEY", ANOTHER)
    write_events(1)
    with pytest.raises(chain.SealRefused, match="is not the key"):
        chain.seal_events()
    assert AuditLink.objects.count() == 5


@pytest.mark.usefixtures("sealed")
def test_key_when_the_one_before_is_retired_takes_over_with_an_event_in_each_chain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = keys.ring().current.id
    head = bytes(AuditLink.objects.get(merchant_id=1, seq=3).hash).hex()
    monkeypatch.setattr(settings, "AUDIT_KEYS_RETIRED", [settings.AUDIT_KEY])
    monkeypatch.setattr(settings, "AUDIT_KEY", ANOTHER)
    assert keys.mismatch() == ""
    write_events(1)
    seal_events()
    now = keys.ring().current.id
    told = AuditEvent.objects.get(action=chain.KEY_CHANGED, merchant_id=1)
    assert told.data == {"key": now, "key_before": before, "sealed_up_to": 3, "head": head}
    assert AuditEvent.objects.filter(action=chain.KEY_CHANGED).count() == 2
    assert AuditSealPoint.objects.get().key_id == now
    assert set(AuditLink.objects.filter(merchant_id=1, seq__gt=3).values_list("key_id", flat=True)) == {now}
    assert verifying.verify().breaches == []
    # Without the retired key the past cannot be checked, and nothing starts that would say it was.
    monkeypatch.setattr(settings, "AUDIT_KEYS_RETIRED", [])
    assert any(before in breach.what for breach in verifying.verify().breaches)


@pytest.fixture
def from_before() -> str:
    """A trail as it was written and sealed before there was a key; one event waits for its seal. Gives the head of chain 1."""
    write_events(3)
    write_events(2, merchant_id=2)
    with transaction.atomic(), as_owner(silent=True) as cursor:
        cursor.execute("UPDATE core_auditevent SET mac = NULL")
        ends: dict[int, tuple[int, bytes]] = {}
        events = list(AuditEvent.objects.order_by("txid", "pk"))
        for event in events:
            seq, previous = ends.get(event.merchant_id, (0, chain.GENESIS))
            ends[event.merchant_id] = (seq + 1, chain.digest(previous, event))
            cursor.execute(
                "INSERT INTO core_auditlink (event_id, merchant_id, seq, hash) VALUES (%s, %s, %s, %s)",
                [event.pk, event.merchant_id, *ends[event.merchant_id]],
            )
        cursor.execute(
            "INSERT INTO core_auditsealpoint (id, txid, event_id) VALUES (1, %s, %s)", [events[-1].txid, events[-1].pk]
        )
    write_events(1)
    with transaction.atomic(), as_owner(silent=True) as cursor:
        cursor.execute("UPDATE core_auditevent SET mac = NULL WHERE mac IS NOT NULL")
    return ends[1][1].hex()


def test_trail_from_before_is_taken_over_once_with_an_event_that_says_from_where(from_before: str) -> None:
    seal_events()
    told = AuditEvent.objects.get(action=chain.KEY_CHANGED, merchant_id=1)
    last = AuditEvent.objects.filter(mac=None).order_by("-pk")[0].pk
    assert told.data == {
        "key": keys.ring().current.id,
        "key_before": "",
        "sealed_up_to": 3,
        "head": from_before,
        "written_without_key_up_to": last,
    }
    assert verifying.verify().breaches == []
    write_events(1)
    seal_events()
    assert AuditEvent.objects.filter(action=chain.KEY_CHANGED).count() == 2
    assert verifying.verify().breaches == []


@pytest.mark.usefixtures("from_before")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_auditevent SET actor_name = 'x' WHERE mac IS NULL AND merchant_id = 2 AND object_id = '0'",
        "UPDATE core_auditlink SET hash = '\\x00' WHERE merchant_id = 1 AND seq = 2",
        "UPDATE core_auditlink SET key_id = '' WHERE merchant_id = 1 AND seq > 3",
        "INSERT INTO core_auditevent (merchant_id, at, actor_kind, actor_id, actor_name, action, object_type, object_id, "
        "from_state, to_state, data) VALUES (1, '2026-01-01', 'staff', '7', '', 'x', 't', '9', '', '', '{}')",
    ],
)
def test_trail_from_before_when_changed_after_it_was_taken_over_is_found(statement: str) -> None:
    seal_events()
    with transaction.atomic(), as_owner(silent=True) as cursor:
        cursor.execute(statement)
        assert cursor.rowcount
    seal_events()
    assert verifying.verify().breaches
