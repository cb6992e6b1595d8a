"""New keys for a channel account, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.factories import make_account, make_merchant, make_staff

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "said"), [("not json", "cannot be read"), ("[]", "JSON object"), ('{"mchid": 1}', "text or null")]
)
def test_file_that_is_no_set_of_credentials_changes_nothing_and_is_never_shown(
    tmp_path: Path, text: str, said: str
) -> None:
    account = make_account(make_merchant())
    file = tmp_path / "secret.json"
    file.write_text(text)
    owner = make_staff(account.merchant, "owner")
    with pytest.raises(CommandError, match=said) as refused:
        call_command("set_credentials", account.code, str(file), by=owner.username)
    assert "not json" not in str(refused.value)
    account.refresh_from_db()
    assert account.revision == 1


def test_person_of_another_merchant_is_refused(tmp_path: Path) -> None:
    account = make_account(make_merchant())
    file = tmp_path / "secret.json"
    file.write_text(json.dumps({"mchid": "1"}))
    with pytest.raises(CommandError, match="nobody of its merchant"):
        call_command("set_credentials", account.code, str(file), by=make_staff(make_merchant(), "owner").username)
