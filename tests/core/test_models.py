"""What Django knows of the core."""

from __future__ import annotations

from django.apps import apps

from core.audit.models import AuditCheckpoint, AuditEvent, AuditLink, AuditNote, AuditSealPoint, AuditVerification
from core.periodic import PeriodicWork


def test_models_that_live_beside_their_idea_are_the_apps() -> None:
    assert set(apps.get_app_config("core").get_models()) == {
        AuditCheckpoint,
        AuditEvent,
        AuditLink,
        AuditNote,
        AuditSealPoint,
        AuditVerification,
        PeriodicWork,
    }
