"""The stand-ins as sandboxes and the sample data know them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integrations import stand_ins
from integrations.stand_ins import Control, StandInUnreachable
from simulators.kit.testing import RunningSimulator
from tests.factories import make_merchant


def test_accounts_when_no_stand_in_runs_says_which_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StandInUnreachable, match=r"account\.json"):
        stand_ins.accounts_in(tmp_path)


def test_control_when_nobody_answers_says_so() -> None:
    with pytest.raises(StandInUnreachable):
        Control("http://127.0.0.1:1").settle(refund_no="x", outcome="SUCCESS")


@pytest.mark.django_db
def test_accounts_are_kept_and_renewed_with_the_addresses_of_a_start(wechat: RunningSimulator, tmp_path: Path) -> None:
    (tmp_path / "wechat").mkdir()
    file = tmp_path / "wechat" / "account.json"
    file.write_text(json.dumps(wechat.account))
    merchant = make_merchant()
    first = stand_ins.keep_accounts(merchant, stand_ins.accounts_in(tmp_path))["wechat"]
    assert stand_ins.keep_accounts(merchant, stand_ins.accounts_in(tmp_path))["wechat"].revision == first.revision
    file.write_text(json.dumps({**wechat.account, "base_url": "http://127.0.0.1:2"}))
    again = stand_ins.keep_accounts(merchant, stand_ins.accounts_in(tmp_path))["wechat"]
    assert (again.pk, again.base_url, again.revision) == (first.pk, "http://127.0.0.1:2", first.revision + 1)
    assert Control(wechat.account["control_url"]).settle(refund_no="", outcome="SUCCESS") is False
