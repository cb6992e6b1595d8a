"""The calls by which a shop is set up, by its owner."""

from __future__ import annotations

from typing import Any

from merchants import team
from merchants.models import Role, Staff
from merchants.principals import of_staff
from merchants.team import Place
from refunds.review import presence
from tests.walk.cases import case
from tests.walk.stage import Stage

_API = "/api/v1/"
_PLACE = {"role": "reviewer", "stores": ["S001"], "limit_fen": 30_000, "till_codes": ["C77"]}


def _call(stage: Stage, path: str, body: Any = None, *, method: str = "POST", expect: int = 200) -> Any:
    return stage.call_as(Role.OWNER, path, body, method=method, expect=expect)


def _get(stage: Stage, path: str) -> Any:
    return _call(stage, path, method="GET")


@case("GET", f"{_API}stores")
def list_stores(stage: Stage) -> None:
    assert [row["code"] for row in _get(stage, "stores")["results"]] == ["S001"]


@case("POST", f"{_API}stores")
def open_store(stage: Stage) -> None:
    opened = _call(stage, "stores", {"code": "S009", "name": "西湖店", "phone": "0571-8888 0009"}, expect=201)
    assert _get(stage, "stores/S009") == opened


@case("GET", f"{_API}stores/<str:code>")
def get_store(stage: Stage) -> None:
    assert _get(stage, "stores/S001")["closed_at"] is None


@case("PUT", f"{_API}stores/<str:code>")
def change_store(stage: Stage) -> None:
    changed = _call(stage, "stores/S001", {"name": "新名", "address": "延安路 1 号"}, method="PUT")
    assert (changed["name"], changed["phone"], changed["address"]) == ("新名", "", "延安路 1 号")


@case("POST", f"{_API}stores/<str:code>/close")
def close_store(stage: Stage) -> None:
    assert _call(stage, "stores/S001/close", {})["closed_at"]


@case("POST", f"{_API}stores/<str:code>/reopen")
def reopen_store(stage: Stage) -> None:
    _call(stage, "stores/S001/close", {})
    assert _call(stage, "stores/S001/reopen", {})["closed_at"] is None


def _invited(stage: Stage) -> Staff:
    place = Place(role="reviewer", store_ids=frozenset(), all_stores=True, limit_fen=None, till_codes=())
    by = of_staff(stage.person(Role.OWNER))
    return team.invite(login="anna", place=place, by=by, at=stage.now())[0]


@case("GET", f"{_API}team-members")
def list_team(stage: Stage) -> None:
    staff = _invited(stage)
    assert staff.pk in [row["id"] for row in _get(stage, "team-members")["results"]]


@case("POST", f"{_API}team-members")
def invite_member(stage: Stage) -> None:
    invited = _call(stage, "team-members", {"login": "anna", **_PLACE}, expect=201)
    assert (invited["state"], invited["stores"], "/join/" in invited["link"]) == ("invited", ["S001"], True)


@case("GET", f"{_API}team-members/<int:staff_id>")
def get_member(stage: Stage) -> None:
    assert _get(stage, f"team-members/{_invited(stage).pk}")["all_stores"] is True


@case("PUT", f"{_API}team-members/<int:staff_id>")
def place_member(stage: Stage) -> None:
    placed = _call(stage, f"team-members/{_invited(stage).pk}", _PLACE, method="PUT")
    assert (placed["stores"], placed["limit_fen"], placed["till_codes"]) == (["S001"], 30_000, ["C77"])


@case("POST", f"{_API}team-members/<int:staff_id>/invite")
def invite_member_again(stage: Stage) -> None:
    assert "/join/" in _call(stage, f"team-members/{_invited(stage).pk}/invite", {})["link"]


@case("GET", f"{_API}review-settings")
def get_review_settings(stage: Stage) -> None:
    assert _get(stage, "review-settings") == {"assigns": False, "second_looks_percent": 3}


@case("PUT", f"{_API}review-settings")
def set_review_settings(stage: Stage) -> None:
    said = {"assigns": True, "second_looks_percent": 25}
    assert _call(stage, "review-settings", said, method="PUT") == said == _get(stage, "review-settings")


@case("GET", f"{_API}reviewers")
def list_reviewers(stage: Stage) -> None:
    manager, reviewer = stage.person("manager"), stage.person("reviewer")
    presence.come(manager.pk)
    here = {row["id"]: row["is_here"] for row in _get(stage, "reviewers")["results"]}
    assert (here[manager.pk], here[reviewer.pk]) == (True, False)


@case("PUT", f"{_API}reviewers/<int:staff_id>")
def set_reviewer(stage: Stage) -> None:
    said = {"takes_work": True, "most_on_desk": 4, "reasons": ["quality"], "languages": ["en"]}
    kept = _call(stage, f"reviewers/{stage.person('reviewer').pk}", said, method="PUT")
    assert {name: kept[name] for name in said} == said


@case("POST", f"{_API}team-members/<int:staff_id>/switch")
def switch_member(stage: Stage) -> None:
    staff = stage.person(Role.REVIEWER)
    assert _call(stage, f"team-members/{staff.pk}/switch", {"on": False})["state"] == "off"


@case("GET", f"{_API}channel-accounts")
def list_channel_accounts(stage: Stage) -> None:
    (found,) = _get(stage, "channel-accounts")["results"]
    assert (found["code"], "api_v3_key" in str(found)) == (stage.account.code, False)


@case("POST", f"{_API}channel-accounts")
def open_channel_account(stage: Stage) -> None:
    given = {"channel": "wechat", "store": None, "credentials": stage.account.credentials, "replaces": True}
    opened = _call(stage, "channel-accounts", given, expect=201)
    stage.account.refresh_from_db()
    assert (opened["is_active"], stage.account.is_active) == (True, False)


@case("GET", f"{_API}channel-accounts/<str:code>")
def get_channel_account(stage: Stage) -> None:
    found = _get(stage, f"channel-accounts/{stage.account.code}")
    assert found["names"]["mchid"] == stage.account.credentials["mchid"]


@case("PUT", f"{_API}channel-accounts/<str:code>/profile")
def set_channel_profile(stage: Stage) -> None:
    path = f"channel-accounts/{stage.account.code}/profile"
    assert _call(stage, path, {"profile": {"max_partials": 7}}, method="PUT")["profile"]["max_partials"] == 7


@case("POST", f"{_API}channel-accounts/<str:code>/credentials")
def change_channel_credentials(stage: Stage) -> None:
    path = f"channel-accounts/{stage.account.code}/credentials"
    assert _call(stage, path, {"credentials": {"sub_mchid": "1900000200"}})["names"]["sub_mchid"] == "1900000200"


@case("POST", f"{_API}channel-accounts/<str:code>/test")
def test_channel_account(stage: Stage) -> None:
    assert _call(stage, f"channel-accounts/{stage.account.code}/test", {})["test_word"] == "works"


@case("POST", f"{_API}channel-accounts/<str:code>/close")
def close_channel_account(stage: Stage) -> None:
    assert _call(stage, f"channel-accounts/{stage.account.code}/close", {})["is_active"] is False


@case("POST", f"{_API}api-keys")
def issue_api_key(stage: Stage) -> None:
    issued = _call(stage, "api-keys", {"name": "till", "store": "S001", "scopes": ["refunds:read"]}, expect=201)
    assert (issued["store"], issued["key"].startswith(issued["prefix"])) == ("S001", True)


@case("POST", f"{_API}api-keys/<int:key_id>/rotate")
def rotate_api_key(stage: Stage) -> None:
    row, key, _secret = stage.issued()
    issued = _call(stage, f"api-keys/{row.pk}/rotate", {"typed_name": "till"}, expect=201)
    assert (issued["name"], issued["key"] != key) == ("till", True)


@case("POST", f"{_API}api-keys/<int:key_id>/revoke")
def revoke_api_key(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    assert _call(stage, f"api-keys/{row.pk}/revoke", {"typed_name": "till"})["revoked_at"]


_WORDING = "message-templates/refunded/sms/en"


@case("GET", f"{_API}message-templates")
def list_message_templates(stage: Stage) -> None:
    assert _get(stage, "message-templates")["results"] == []


@case("GET", f"{_API}message-templates/<str:event>/<str:medium>/<str:language>")
def get_message_template(stage: Stage) -> None:
    assert _get(stage, _WORDING)["version"] == 0


@case("PUT", f"{_API}message-templates/<str:event>/<str:medium>/<str:language>")
def set_message_template(stage: Stage) -> None:
    written = _call(stage, _WORDING, {"text": "¥{amount} is back.", "after": 0}, method="PUT")
    assert (written["version"], _get(stage, "message-templates")["results"]) == (1, [written])
