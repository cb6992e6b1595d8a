"""A repair is saved as anything else that is written into a draft; what is gone is not repaired."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from analytics.trials import repairing
from analytics.trials.repairing import FindingGone
from merchants.models import PolicyDraft
from merchants.policies.drafting import DraftChanged
from tests.analytics.trials.conftest import Past, saved_draft

pytestmark = pytest.mark.django_db


def test_repair_when_finding_is_there_saves_the_draft_once(past: Past) -> None:
    draft = saved_draft(past.merchant, past.by, four_eyes_above_fen=15_000)
    act: dict[str, Any] = {
        "code": "approved_past_four_eyes",
        "path": "four_eyes_above_fen",
        "by": past.by,
        "at": timezone.now(),
    }
    with pytest.raises(DraftChanged):
        repairing.repair(draft_id=draft.pk, revision=draft.revision - 1, **act)
    assert PolicyDraft.objects.get(pk=draft.pk).rules["auto_approve_limit_fen"] == 20_000

    after = repairing.repair(draft_id=draft.pk, revision=draft.revision, **act)

    assert (after.rules["auto_approve_limit_fen"], after.revision) == (15_000, draft.revision + 1)
    with pytest.raises(FindingGone):
        repairing.repair(draft_id=draft.pk, revision=after.revision, **act)
    assert PolicyDraft.objects.get(pk=draft.pk).revision == after.revision
