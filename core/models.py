"""Django looks for models here; they live beside their idea."""

from core.audit.models import AuditEvent, AuditLink, AuditSealPoint, AuditVerification
from core.periodic import PeriodicWork

__all__ = ["AuditEvent", "AuditLink", "AuditSealPoint", "AuditVerification", "PeriodicWork"]
