"""Django looks for models here; they live beside their idea."""

from core.audit.models import AuditEvent, AuditLink, AuditSealPoint
from core.periodic import PeriodicWork

__all__ = ["AuditEvent", "AuditLink", "AuditSealPoint", "PeriodicWork"]
