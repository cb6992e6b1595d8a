"""The policy, its drafts and their proof, at the desk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from analytics.models import Shadow, Trial
from core.audit.models import AuditEvent
from desk.policy_draft import form
from merchants.models import ChannelRuleChange, PolicyDraft, PolicyReview, PolicyVersion, Role
from merchants.policies import drafting
from merchants.policies.drafting import Written
from merchants.policies.rules import read_rules
from merchants.principals import of_staff
from refunds.rules.proof import findings
from tests.walk.cases import case
from tests.walk.stage import Stage

_DRAFT = "/desk/policy/drafts/<int:draft_id>"


@case("GET", "/desk/policy")
def policy(stage: Stage) -> None:
    assert "¥200.00" in stage.get(Role.CASHIER, "/desk/policy")


@case("GET", "/desk/policy/versions/<int:number>")
def policy_version(stage: Stage) -> None:
    assert "¥200.00" in stage.get(Role.CASHIER, "/desk/policy/versions/1")


@case("POST", "/desk/policy/reviewed")
def review_policy(stage: Stage) -> None:
    stage.post(Role.OWNER, "/desk/policy/reviewed", months="3", note="无变化")
    assert PolicyReview.objects.get().months == 3


@case("POST", "/desk/policy/rule-changes")
def add_rule_change(stage: Stage) -> None:
    change: dict[str, Any] = {
        "channel": "wechat",
        "effective_date": "2026-12-01",
        "text": "间隔一分钟",
        "source": "官网公告",
    }
    stage.post(Role.REVIEWER, "/desk/policy/rule-changes", **change)
    assert "间隔一分钟" in stage.get(Role.CASHIER, "/desk/policy")


@case("POST", "/desk/policy/rule-changes/<int:change_id>/seen")
def see_rule_change(stage: Stage) -> None:
    add_rule_change(stage)
    change = ChannelRuleChange.objects.get()
    stage.post(Role.CASHIER, f"/desk/policy/rule-changes/{change.pk}/seen")
    assert change.readings.count() == 2


@case("POST", "/desk/policy/drafts")
def start_draft(stage: Stage) -> None:
    stage.post(Role.MANAGER, "/desk/policy/drafts")
    assert PolicyDraft.objects.get().state == "open"


@case("GET", _DRAFT)
def policy_draft(stage: Stage) -> None:
    assert "¥150.00" in stage.get(Role.OWNER, f"/desk/policy/drafts/{stage.draft().pk}")


@case("POST", _DRAFT)
def save_draft(stage: Stage) -> None:
    draft = stage.draft()
    values = form.values_of(Written(name="新策略", rules=draft.rules, guides=draft.guides))
    sent: dict[str, Any] = {name: list(texts) for name, texts in values.items()}
    stage.post(Role.MANAGER, f"/desk/policy/drafts/{draft.pk}", revision=draft.revision, **sent)
    assert PolicyDraft.objects.get().name == "新策略"


@case("POST", f"{_DRAFT}/ask")
def ask_to_publish(stage: Stage) -> None:
    draft = stage.draft()
    stage.person(Role.OWNER)
    stage.post(Role.MANAGER, f"/desk/policy/drafts/{draft.pk}/ask", revision=draft.revision, reason="客诉", when="now")
    assert PolicyDraft.objects.get().state == "asked"


@case("POST", f"{_DRAFT}/publish")
def publish_draft(stage: Stage) -> None:
    draft = stage.draft(asked=True)
    stage.post(Role.OWNER, f"/desk/policy/drafts/{draft.pk}/publish", revision=draft.revision, confirmed="1")
    assert PolicyVersion.objects.filter(merchant=stage.merchant).latest("number").draft == draft


@case("POST", f"{_DRAFT}/discard")
def discard_draft(stage: Stage) -> None:
    draft = stage.draft()
    stage.post(Role.MANAGER, f"/desk/policy/drafts/{draft.pk}/discard", revision=draft.revision)
    assert PolicyDraft.objects.get().state == "discarded"


@case("GET", f"{_DRAFT}/proof")
@case("POST", f"{_DRAFT}/trials")
@case("POST", f"{_DRAFT}/trials/<int:trial_id>/cancel")
def try_a_draft(stage: Stage) -> None:
    stage.in_review()
    draft, today = stage.draft(), timezone.localdate()
    path = f"/desk/policy/drafts/{draft.pk}"
    stage.post(Role.MANAGER, f"{path}/trials", since=str(today - timedelta(days=1)), until=str(today))
    trial = Trial.objects.get()
    stage.get(Role.MANAGER, f"{path}/proof")
    stage.post(Role.MANAGER, f"{path}/trials/{trial.pk}/cancel")
    assert Trial.objects.get().state == "cancelled"


@case("POST", f"{_DRAFT}/proof/repair")
def repair_a_draft(stage: Stage) -> None:
    by, draft = of_staff(stage.person(Role.MANAGER)), stage.draft()
    reasons = draft.rules["reasons"]
    rules = {**draft.rules, "reasons": {**reasons, "quality": {**reasons["quality"], "window_days": 2}}}
    written = Written(name=draft.name, rules=rules, guides={})
    draft = drafting.write(draft_id=draft.pk, revision=draft.revision, written=written, by=by, at=timezone.now())
    found = next(one for one in findings(read_rules(rules)) if one.code == "below_statute")
    path = f"/desk/policy/drafts/{draft.pk}/proof/repair"
    form = {"revision": draft.revision, "code": found.code, "path": found.path}
    assert stage.browser(Role.MANAGER).post(path, form).status_code == 302
    assert PolicyDraft.objects.get().rules["reasons"]["quality"]["window_days"] >= 7


@case("POST", f"{_DRAFT}/shadows")
@case("POST", f"{_DRAFT}/shadows/<int:shadow_id>/stop")
def let_a_draft_ride_along(stage: Stage) -> None:
    path = f"/desk/policy/drafts/{stage.draft().pk}/shadows"
    stage.post(Role.MANAGER, path, days="3")
    stage.post(Role.MANAGER, f"{path}/{Shadow.objects.get().pk}/stop")
    assert Shadow.objects.get().stopped_at is not None


@case("POST", f"{_DRAFT}/catch-up")
def catch_up(stage: Stage) -> None:
    draft = stage.draft()
    stage.post(Role.MANAGER, f"/desk/policy/drafts/{draft.pk}/catch-up", revision=draft.revision)
    assert AuditEvent.objects.filter(action="policy.draft_catch_up").count() == 1
