"""The merchant's own: policy, people, stores, keys and webhooks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from integrations import endpoints
from merchants import api_keys, audit_trail, channel_rules, delegations, opening, policies, rights, stores, team
from merchants.models import PolicyVersion, Staff
from merchants.policies import drafting, reviewing
from merchants.policies.drafting import Written
from merchants.principals import Principal
from merchants.rights import Act
from tests.rights.cases import Call, Domain, Page, later, read
from tests.rights.world import Who, World


def _publish(world: World, by: Principal) -> object:
    rules = PolicyVersion.objects.filter(merchant=world.merchant)[0].rules
    return policies.publish(merchant=world.merchant, name="new", rules=rules, by=by, at=timezone.now())


def _issue(world: World, by: Principal) -> object:
    return api_keys.issue(
        merchant=world.merchant, name="x", scopes=["refunds:read"], by=by, at=timezone.now(), store=world.store
    )


def _delegate(world: World, by: Principal) -> object:
    if by.staff_id is None:
        rights.check_may(Act.DELEGATE, by=by)
        return None
    now, home = timezone.now(), world.merchant if by.merchant_id == world.merchant.pk else world.abroad
    deputy = Staff.objects.filter(merchant=home, role="owner").exclude(pk=by.staff_id).order_by("pk")[0]
    return delegations.give(
        absent=by.staff_id,
        deputy=deputy.pk,
        starts_at=now,
        ends_at=now + timedelta(days=1),
        limit_fen=None,
        by=by,
        at=now,
    )


def _save_draft(world: World, by: Principal) -> object:
    draft = world.draft
    written = Written(name="new", rules=draft.rules, guides={})
    return drafting.write(draft_id=draft.pk, revision=draft.revision, written=written, by=by, at=timezone.now())


def _switch_off(world: World, by: Principal) -> object:
    return team.switch(staff_id=world.asker.pk, on=False, by=by, at=timezone.now())


def _ask_reset(world: World, by: Principal) -> object:
    return team.ask_reset(staff_id=world.asker.pk, kind="password", by=by, at=timezone.now())


def _add_rule_change(world: World, by: Principal) -> object:
    day = timezone.now().date()
    return channel_rules.add(channel="wechat", effective_date=day, text="x", source="y", by=by, at=timezone.now())


def _deputy(world: World, who: Who) -> dict[str, Any]:
    away = who.staff or Staff.objects.filter(merchant=world.merchant).earliest("pk")
    deputy = Staff.objects.filter(merchant=away.merchant, role="owner").exclude(pk=away.pk).order_by("pk")[0]
    when = {"starts_at": timezone.now().isoformat(), "ends_at": later().isoformat()}
    return {"absent": away.username, "deputy": deputy.username, **when}


def _stop(world: World, _who: Who) -> dict[str, Any]:
    return {"key": world.store_key.pk, "stopped": True}


DOMAIN: dict[Act, Domain] = {
    Act.SET_HOURS: lambda world, by: opening.set_hours(
        store_id=world.store.pk, hours=None, shown="9-5", by=by, at=timezone.now()
    ),
    Act.SEE_POLICY: read(Act.SEE_POLICY),
    Act.DRAFT_POLICY: _save_draft,
    Act.PUBLISH_POLICY: _publish,
    Act.DELEGATE: _delegate,
    Act.REVIEW_POLICY: lambda world, by: reviewing.review(by=by, at=timezone.now()),
    Act.ADD_CHANNEL_RULE: _add_rule_change,
    Act.MANAGE_STORES: lambda _world, by: stores.open_store(
        code="N001", name="x", phone="", address="", by=by, at=timezone.now()
    ),
    Act.SEE_AUDIT: lambda _world, by: audit_trail.ask_for_whole(by=by, at=timezone.now()),
    Act.MANAGE_KEYS: _issue,
    Act.MANAGE_TEAM: _switch_off,
    Act.RESET_ACCESS: _ask_reset,
    Act.MANAGE_WEBHOOKS: lambda world, by: endpoints.test(endpoint_id=world.endpoint.pk, by=by, at=timezone.now()),
}

REST: list[Call] = [
    (Act.SEE_AUDIT, "GET", "audit/checkpoints", None),
    (Act.MANAGE_KEYS, "GET", "api-keys/{key}/mandate", None),
    (Act.MANAGE_KEYS, "PUT", "api-keys/{key}/mandate", {"max_fen": 1}),
    (Act.MANAGE_KEYS, "POST", "key-stops", _stop),
    (Act.MANAGE_STORES, "GET", "stores/{own_store}", None),
    (Act.MANAGE_STORES, "POST", "stores", {"code": "N001", "name": "x"}),
    (Act.MANAGE_STORES, "PUT", "stores/{own_store}", {"name": "x"}),
    (Act.MANAGE_TEAM, "GET", "team-members/{asker}", None),
    (Act.MANAGE_TEAM, "PUT", "team-members/{asker}", {"role": "finance", "all_stores": True}),
    (Act.MANAGE_TEAM, "POST", "team-members/{asker}/switch", {"on": False}),
    (Act.MANAGE_KEYS, "POST", "api-keys/{key}/revoke", {"typed_name": "key"}),
    (Act.SET_HOURS, "GET", "opening-hours/stores/{store}", None),
    (Act.SET_HOURS, "PUT", "opening-hours/stores/{store}", {"hours": {"week": ["09:00-17:00"] * 7}}),
    (Act.DELEGATE, "GET", "delegations", None),
    (Act.DELEGATE, "POST", "delegations", _deputy),
    (Act.SEE_POLICY, "GET", "policy", None),
    (Act.SEE_POLICY, "GET", "policy/versions", None),
    (Act.DRAFT_POLICY, "GET", "policy/drafts/{draft}", None),
    (Act.DRAFT_POLICY, "PATCH", "policy/drafts/{draft}", {"revision": 2, "name": "new"}),
    (Act.DRAFT_POLICY, "POST", "policy/drafts/{draft}/discard", {"revision": 2}),
    (Act.PUBLISH_POLICY, "POST", "policy/drafts/{draft}/publish", {"revision": 2}),
    (Act.MANAGE_WEBHOOKS, "GET", "webhook-endpoints/{endpoint}", None),
    (Act.MANAGE_WEBHOOKS, "GET", "webhook-endpoints/{endpoint}/deliveries", None),
    (Act.MANAGE_WEBHOOKS, "POST", "webhook-endpoints/{endpoint}/test", {}),
    (Act.MANAGE_WEBHOOKS, "POST", "webhook-endpoints/{endpoint}/rotate", {}),
    (Act.MANAGE_WEBHOOKS, "POST", "webhook-endpoints/{endpoint}/recover", {"since": "2026-11-20T00:00:00+08:00"}),
    (Act.MANAGE_WEBHOOKS, "PATCH", "webhook-endpoints/{endpoint}", {"enabled": False}),
    (Act.MANAGE_WEBHOOKS, "DELETE", "webhook-endpoints/{endpoint}", None),
]

DESK: list[Page] = [
    (Act.SET_HOURS, "POST", "/desk/hours/stores/{store}", {"day-0": "09:00-17:00"}),
    (Act.DELEGATE, "GET", "/desk/deputies", {}),
    (Act.SEE_POLICY, "GET", "/desk/policy", {}),
    (Act.DRAFT_POLICY, "GET", "/desk/policy/drafts/{draft}", {}),
    (Act.DRAFT_POLICY, "POST", "/desk/policy/drafts/{draft}/discard", {"revision": "2"}),
    (Act.PUBLISH_POLICY, "POST", "/desk/policy/drafts/{draft}/publish", {"revision": "2", "confirmed": "1"}),
    (Act.REVIEW_POLICY, "POST", "/desk/policy/reviewed", {"months": "6"}),
    (
        Act.ADD_CHANNEL_RULE,
        "POST",
        "/desk/policy/rule-changes",
        {"channel": "wechat", "effective_date": "2026-12-01", "text": "x", "source": "y"},
    ),
    (Act.MANAGE_TEAM, "POST", "/desk/team/{asker}/switch", {"confirmed": "1"}),
    (Act.RESET_ACCESS, "POST", "/desk/team/resets", {"staff": "{asker}", "kind": "password"}),
    (Act.RESET_ACCESS, "POST", "/desk/team/resets/{reset}/confirm", {"confirmed": "1"}),
    (Act.MANAGE_STORES, "POST", "/desk/settings/stores", {"code": "N001", "name": "x"}),
    (Act.SEE_AUDIT, "GET", "/desk/audit", {}),
    (Act.SEE_AUDIT, "POST", "/desk/audit/verify-whole", {}),
    (Act.MANAGE_KEYS, "GET", "/desk/api-keys/{key}/mandate", {}),
    (Act.MANAGE_KEYS, "POST", "/desk/api-keys/{key}/mandate", {"max_fen": "1"}),
    (Act.MANAGE_KEYS, "POST", "/desk/api-keys/{key}/stop", {}),
    (Act.MANAGE_KEYS, "GET", "/desk/api-keys/{key}/rotate", {}),
    (Act.MANAGE_KEYS, "POST", "/desk/api-keys/{key}/rotate", {"typed_name": "{key_name}", "overlap": "24h"}),
    (Act.MANAGE_KEYS, "GET", "/desk/api-keys/{key}/revoke", {}),
    (Act.MANAGE_KEYS, "POST", "/desk/api-keys/{key}/revoke", {"typed_name": "{key_name}"}),
    (Act.MANAGE_WEBHOOKS, "GET", "/desk/developers/webhooks/{endpoint}", {}),
    (Act.MANAGE_WEBHOOKS, "POST", "/desk/developers/webhooks/{endpoint}/test", {}),
    (Act.MANAGE_WEBHOOKS, "POST", "/desk/developers/webhooks/{endpoint}/rotate", {"confirmed": "1", "overlap": "24h"}),
    (Act.MANAGE_WEBHOOKS, "POST", "/desk/developers/webhooks/{endpoint}/recover", {"since": "2026-11-20T00:00"}),
    (Act.MANAGE_WEBHOOKS, "POST", "/desk/developers/webhooks/{endpoint}/disable", {}),
    (Act.MANAGE_WEBHOOKS, "POST", "/desk/developers/webhooks/{endpoint}/remove", {"confirmed": "1"}),
]
