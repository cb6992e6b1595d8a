"""The audit trail, at the desk."""

from __future__ import annotations

from django.utils import timezone

from core.audit.models import AuditCheckpoint, AuditVerification
from merchants.models import Merchant, Role
from tests.walk.cases import case
from tests.walk.stage import Stage, text_of


@case("GET", "/desk/audit")
def audit(stage: Stage) -> None:
    request = stage.in_review()
    assert request.number in stage.get(Role.FINANCE, "/desk/audit")


@case("GET", "/desk/audit.csv")
def audit_csv(stage: Stage) -> None:
    request = stage.in_review()
    assert str(request.pk) in stage.get(Role.FINANCE, "/desk/audit.csv")


def _checkpoint(stage: Stage) -> None:
    AuditCheckpoint.objects.create(
        merchant_id=stage.merchant.pk, seq=0, body="{}", signatures={}, key_id="-", at=timezone.now()
    )


@case("GET", "/desk/audit/chain.jsonl")
def audit_chain(stage: Stage) -> None:
    _checkpoint(stage)
    assert '{"body":"{}","signatures":{}}' in stage.get(Role.FINANCE, "/desk/audit/chain.jsonl")


@case("GET", "/desk/audit/checkpoint.json")
def audit_checkpoint(stage: Stage) -> None:
    _checkpoint(stage)
    assert stage.get(Role.FINANCE, "/desk/audit/checkpoint.json") == '{"body":"{}","signatures":{}}'


@case("POST", "/desk/audit/holder")
def audit_holder(stage: Stage) -> None:
    stage.post(Role.FINANCE, "/desk/audit/holder", mail="auditor@example.com")
    assert Merchant.objects.get(pk=stage.merchant.pk).checkpoints_to == "auditor@example.com"


@case("POST", "/desk/audit/verify")
def verify_audit(stage: Stage) -> None:
    stage.in_review()
    answer = stage.post(Role.FINANCE, "/desk/audit/verify", expect=200)
    assert "Nothing was changed" in text_of(answer)


@case("POST", "/desk/audit/verify-whole")
def verify_audit_whole(stage: Stage) -> None:
    stage.post(Role.FINANCE, "/desk/audit/verify-whole")
    assert AuditVerification.objects.get().ended_at is None
