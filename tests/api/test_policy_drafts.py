"""Drafts over REST: staff in their session alone, written by revision, published by somebody else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from merchants.models import Merchant, PolicyDraft, PolicyVersion, Staff
from tests.api.conftest import api_for
from tests.factories import RULES, make_merchant, make_staff

pytestmark = pytest.mark.django_db

_TOKEN = "t" * 32


class Desk:
    """A person's session, which speaks JSON."""

    def __init__(self, staff: Staff) -> None:
        self.staff = staff
        self.client = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
        self.client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
        self.client.cookies["csrftoken"] = _TOKEN

    def call(self, method: str, path: str, body: Any = None, *, expect: int = 200, key: str = "") -> Any:
        headers: dict[str, Any] = {"X-CSRFToken": _TOKEN, **({"Idempotency-Key": key} if key else {})}
        data: dict[str, Any] = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = self.client.generic(method, f"/api/v1/policy/{path}", headers=headers, **data)
        assert answer.status_code == expect, answer.content
        return answer.json()


@pytest.fixture
def writer(merchant: Merchant) -> Desk:
    return Desk(make_staff(merchant, "manager"))


@pytest.fixture
def publisher(merchant: Merchant) -> Desk:
    return Desk(make_staff(merchant, "owner"))


def test_a_raised_limit_goes_from_draft_to_version(writer: Desk, publisher: Desk) -> None:
    draft = writer.call("POST", "drafts", {}, expect=201, key="k1")
    assert (draft["state"], draft["revision"], draft["rules"], draft["changes"]) == ("open", 1, RULES, [])
    path = f"drafts/{draft['id']}"
    rules = {**RULES, "auto_approve_limit_fen": 15_000}
    draft = writer.call("PATCH", path, {"revision": 1, "rules": rules})
    (change,) = draft["changes"]
    assert (change["before"], change["after"]) == ("¥200.00", "¥150.00")
    asked = {"revision": 2, "reason": "客诉", "colleague": publisher.staff.username}
    assert writer.call("POST", f"{path}/ask", asked)["asked_of"] == publisher.staff.name
    refused = writer.call("POST", f"{path}/publish", {"revision": 2}, expect=403)
    assert refused["code"] == "own_draft"
    version = publisher.call("POST", f"{path}/publish", {"revision": 2})
    assert (version["version"], version["reason"], version["alone"]) == (2, "客诉", False)
    assert publisher.call("GET", path)["published_version"] == 2
    listed = writer.call("GET", "versions")["results"]
    assert [row["version"] for row in listed] == [2, 1]
    told = writer.call("GET", "versions/2")
    assert [row["after"] for row in told["changes"]] == ["¥150.00"]
    assert told["rules"] == rules


def test_draft_is_begun_once_under_one_key(writer: Desk) -> None:
    first = writer.call("POST", "drafts", {}, expect=201, key="same")
    again = writer.call("POST", "drafts", {}, expect=201, key="same")
    assert again == first
    assert PolicyDraft.objects.count() == 1
    writer.call("POST", "drafts", {"from_version": 1}, expect=422, key="same")
    writer.call("POST", "drafts", {}, expect=400)
    assert writer.call("GET", "drafts")["results"] == [first]


def test_patch_upon_another_save_is_a_conflict_that_says_the_revision(writer: Desk, publisher: Desk) -> None:
    draft = writer.call("POST", "drafts", {}, expect=201, key="k1")
    path = f"drafts/{draft['id']}"
    publisher.call("PATCH", path, {"revision": 1, "name": "新", "rules": {**RULES, "auto_approve_limit_fen": 15_000}})
    problem = writer.call("PATCH", path, {"revision": 1, "name": "旧"}, expect=409)
    assert (problem["code"], problem["revision"]) == ("draft_changed", 2)
    (change,) = problem["changes"]
    assert (change["label"], change["after"]) == ("Approved without a person up to", "¥150.00")
    assert PolicyDraft.objects.get().name == "新"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"auto_aprove_limit_fen": 100}, "rules.auto_aprove_limit_fen"),
        ({"tiers": [{**RULES["tiers"][0], "store": ["S1"]}, *RULES["tiers"][1:]]}, "rules.tiers.0.store"),
        (
            {"reasons": {**RULES["reasons"], "quality": {**RULES["reasons"]["quality"], "windows_days": 3}}},
            "rules.reasons.quality.windows_days",
        ),
        ({"exceptions": [{"reasons": ["quality"], "instnt": False}]}, "rules.exceptions.0.instnt"),
        ({"route_rules": {"cash": {"fundings": ["cash"], "limit_fen": 1, "limit": 1}}}, "rules.route_rules.cash.limit"),
    ],
)
def test_patch_when_a_rule_is_misspelt_names_it_and_stores_nothing(
    writer: Desk, change: dict[str, Any], path: str
) -> None:
    """A limit that is misspelt would be none."""
    draft = writer.call("POST", "drafts", {}, expect=201, key="k1")
    body = {"revision": 1, "rules": {**RULES, **change}}
    problem = writer.call("PATCH", f"drafts/{draft['id']}", body, expect=422)
    assert (problem["code"], [one["field"] for one in problem["errors"]]) == ("unknown_rule", [path])
    assert PolicyDraft.objects.get().revision == 1


def test_patch_when_an_old_version_said_what_nothing_reads_any_more_keeps_it(merchant: Merchant, writer: Desk) -> None:
    PolicyDraft.objects.filter(pk=(draft := writer.call("POST", "drafts", {}, expect=201, key="k1"))["id"]).update(
        rules={**RULES, "gone": 1}
    )
    rules = {**RULES, "gone": 1, "auto_approve_limit_fen": 15_000}
    assert writer.call("PATCH", f"drafts/{draft['id']}", {"revision": 1, "rules": rules})["revision"] == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"revision": 1, "rules": {}}, 422, "policy_invalid"),
        ({"revision": 1, "rules": {**RULES, "routes": ["pigeon"]}}, 422, "policy_invalid"),
        ({"revision": 1, "guides": {"deposit": "x"}}, 422, "guide_invalid"),
        ({"revision": 1, "rules": []}, 400, "invalid_input"),
        ({"name": "x"}, 400, "invalid_input"),
        ({"revision": 1, "limit": 3}, 400, "invalid_input"),
    ],
)
def test_patch_that_cannot_hold_changes_nothing(writer: Desk, body: Any, status: int, code: str) -> None:
    draft = writer.call("POST", "drafts", {}, expect=201, key="k1")
    problem = writer.call("PATCH", f"drafts/{draft['id']}", body, expect=status)
    assert problem["code"] == code
    assert PolicyDraft.objects.get().revision == 1


def test_draft_is_discarded_and_one_may_catch_up(writer: Desk) -> None:
    draft = writer.call("POST", "drafts", {}, expect=201, key="k1")
    path = f"drafts/{draft['id']}"
    assert writer.call("POST", f"{path}/catch-up", {"revision": 1})["revision"] == 1
    assert writer.call("POST", f"{path}/discard", {"revision": 1})["state"] == "discarded"
    assert writer.call("PATCH", path, {"revision": 1, "name": "x"}, expect=409)["code"] == "draft_closed"


def test_keys_read_versions_and_never_drafts(merchant: Merchant, writer: Desk) -> None:
    writer.call("POST", "drafts", {}, expect=201, key="k1")
    api = api_for(merchant)
    assert api.get("policy/versions").status_code == 200
    assert api.get("policy/drafts").json()["code"] == "staff_only"
    assert api.post("policy/drafts", {}).json()["code"] == "staff_only"
    assert PolicyVersion.objects.filter(merchant=merchant).count() == 1


def test_another_merchants_drafts_and_versions_are_not_there(writer: Desk) -> None:
    draft = writer.call("POST", "drafts", {}, expect=201, key="k1")
    stranger = Desk(make_staff(make_merchant(), "owner"))
    for method, path, body in (
        ("GET", f"drafts/{draft['id']}", None),
        ("PATCH", f"drafts/{draft['id']}", {"revision": 1, "name": "x"}),
        ("POST", f"drafts/{draft['id']}/publish", {"revision": 1}),
        ("GET", "versions/2", None),
        ("GET", f"versions/{2**40}", None),
    ):
        assert stranger.call(method, path, body, expect=404)["code"] == "not_found"
    assert stranger.call("GET", "drafts")["results"] == []
