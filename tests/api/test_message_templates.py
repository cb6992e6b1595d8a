"""The wording of messages over REST."""

from __future__ import annotations

import pytest

from merchants.models import Merchant, MessageWording
from tests.api.conftest import Session, session_for
from tests.factories import make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(merchant: Merchant) -> Session:
    return session_for(make_staff(merchant, "owner"))


def test_wording_when_somebody_wrote_meanwhile_is_not_overwritten(owner: Session) -> None:
    path = "message-templates/refunded/sms/en"
    first = owner.put(path, {"text": "¥{amount}", "after": 0})
    assert (first.status_code, first.json()["version"]) == (200, 1), first.content
    assert owner.put(path, {"text": "late", "after": 0}).status_code == 409
    assert owner.put(path, {"text": "{nonsense}", "after": 1}).status_code == 422
    assert owner.get("message-templates/nothing/sms/en").status_code == 404
    assert MessageWording.objects.get().text == "¥{amount}"
