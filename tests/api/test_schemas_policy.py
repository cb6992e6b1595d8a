"""Versions and drafts have just the fields that their description names."""

from __future__ import annotations

import pytest
from django.utils import timezone

from api import schemas_policy
from api.policy_drafts import draft_json
from api.schemas import page_of
from merchants.policies import drafting
from merchants.principals import of_staff
from tests.api.conftest import Api
from tests.api.test_description import same_names
from tests.factories import make_staff

pytestmark = pytest.mark.django_db


def test_answers_have_just_the_described_fields(api: Api) -> None:
    same_names(page_of(schemas_policy.PolicyVersionOut)(), api.get("policy/versions").json())
    same_names(schemas_policy.PolicyVersionDetailOut(), api.get("policy/versions/1").json())
    draft = drafting.start(by=of_staff(make_staff(api.merchant, "owner")), at=timezone.now())
    same_names(schemas_policy.PolicyDraftOut(), draft_json(draft))
