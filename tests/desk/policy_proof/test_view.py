"""The page of what a draft would do: its sections, its acts, and who sees nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analytics.models import Shadow, Trial
from analytics.trials import running, shadow
from merchants.models import PolicyDraft, Staff
from merchants.principals import of_staff
from tests.analytics.trials.conftest import saved_draft
from tests.desk.conftest import Shop, make_shop
from tests.factories import RULES, make_request, make_sale

pytestmark = pytest.mark.django_db

SignIn = Callable[[Staff], Client]


@pytest.fixture
def draft(shop: Shop) -> PolicyDraft:
    tiers = [{**RULES["tiers"][0], "roles": ["cashier"]}, RULES["tiers"][1]]
    return saved_draft(shop.merchant, of_staff(shop.manager), auto_approve_limit_fen=30_000, tiers=tiers)


def _url(name: str, draft: PolicyDraft, *more: int) -> str:
    return reverse(f"desk:{name}", args=[draft.pk, *more])


def test_page_when_draft_has_a_hole_shows_it_with_its_repair_and_the_exposure(
    shop: Shop, draft: PolicyDraft, as_staff: SignIn
) -> None:
    page = as_staff(shop.manager).get(_url("policy-proof", draft)).content.decode()

    assert "Nobody may decide amounts from ¥0.01 to ¥1,000.00" in page
    assert "Give tier manager the roles" in page
    # Ten of 200 in force, ten of 300 with the draft.
    assert "¥2,000.00" in page
    assert "¥3,000.00" in page
    assert "Not tried yet" in page


def test_repair_when_written_into_the_draft_mends_it(shop: Shop, draft: PolicyDraft, as_staff: SignIn) -> None:
    client = as_staff(shop.manager)
    form = {"code": "tier_without_decider", "path": "tiers[0].roles", "revision": draft.revision}
    assert client.post(_url("policy-proof-repair", draft), form).status_code == 302

    draft.refresh_from_db()
    assert draft.rules["tiers"][0]["roles"] == ["manager", "owner"]
    assert "Nobody may decide" not in client.get(_url("policy-proof", draft)).content.decode()
    # The same once more: the finding is gone, and so is the revision.
    assert client.post(_url("policy-proof-repair", draft), form).status_code == 409
    assert PolicyDraft.objects.get(pk=draft.pk).revision == draft.revision


def test_trial_when_started_runs_shows_progress_and_then_what_would_have_been(
    shop: Shop, draft: PolicyDraft, as_staff: SignIn
) -> None:
    waiting = make_request(make_sale(shop.merchant, 50_000), 25_000)
    client = as_staff(shop.manager)
    today = timezone.localdate()
    form = {"since": today - timedelta(days=1), "until": today}
    assert client.post(_url("policy-trial-start", draft), form).status_code == 302
    trial = Trial.objects.get()
    assert client.post(_url("policy-trial-start", draft), form).status_code == 409
    assert 'hx-trigger="every 2s"' in client.get(_url("policy-proof", draft)).content.decode()

    running.work()

    page = client.get(_url("policy-proof", draft)).content.decode()
    assert "1 of 1 requests would have been decided otherwise" in page
    assert "to a person → approved by rule" in page
    assert waiting.number in page
    assert "hx-trigger" not in page.split('id="trial"')[1].split(">")[0]
    for query in ("?mode=plain", "?cell=review+%3E+approve", "?by=auto_approve_limit", "?trial=999", "?trial=x"):
        assert client.get(_url("policy-proof", draft) + query).status_code == 200
    assert client.post(_url("policy-trial-cancel", draft, trial.pk)).status_code == 409


@pytest.mark.parametrize(
    "form", [{}, {"since": "2026-13-01", "until": "2026-01-01"}, {"since": "2026-02-01", "until": "2026-01-01"}]
)
def test_trial_when_the_days_are_none_is_refused_and_nothing_starts(
    shop: Shop, draft: PolicyDraft, as_staff: SignIn, form: dict[str, str]
) -> None:
    assert as_staff(shop.manager).post(_url("policy-trial-start", draft), form).status_code == 422
    assert not Trial.objects.exists()


def test_trial_when_cancelled_says_so(shop: Shop, draft: PolicyDraft, as_staff: SignIn) -> None:
    client = as_staff(shop.manager)
    now = timezone.now()
    trial = running.start(
        draft_id=draft.pk, since=now - timedelta(days=1), until=now, by=of_staff(shop.manager), at=now
    )
    assert client.post(_url("policy-trial-cancel", draft, trial.pk)).status_code == 302
    assert "cancelled" in client.get(_url("policy-proof", draft)).content.decode()


def test_shadow_when_riding_along_shows_agreement_and_is_stopped(
    shop: Shop, draft: PolicyDraft, as_staff: SignIn
) -> None:
    client = as_staff(shop.manager)
    assert client.post(_url("policy-shadow-start", draft), {"days": "15"}).status_code == 422
    assert client.post(_url("policy-shadow-start", draft), {"days": "14"}).status_code == 302
    request = make_request(make_sale(shop.merchant, 50_000), 25_000)
    alike = make_request(make_sale(shop.merchant, 50_000), 50_000)
    shadow.work(at=timezone.now() + timedelta(minutes=1))

    page = client.get(_url("policy-proof", draft)).content.decode()
    assert " 50.0% of 2 requests are decided alike" in page
    assert request.number in page
    assert alike.number not in page
    riding = Shadow.objects.get()
    assert client.post(_url("policy-shadow-stop", draft, riding.pk)).status_code == 302
    assert Shadow.objects.get().stopped_at is not None


@pytest.mark.parametrize("role", ["cashier", "reviewer", "finance"])
def test_page_when_role_writes_no_drafts_is_forbidden_and_nothing_is_done(
    shop: Shop, draft: PolicyDraft, as_staff: SignIn, role: str
) -> None:
    client = as_staff(getattr(shop, role))
    assert client.get(_url("policy-proof", draft)).status_code == 403
    assert client.post(_url("policy-shadow-start", draft), {"days": "3"}).status_code == 403
    assert not Shadow.objects.exists()


def test_page_when_draft_is_another_merchants_is_not_there(draft: PolicyDraft, as_staff: SignIn) -> None:
    client = as_staff(make_shop().manager)
    assert client.get(_url("policy-proof", draft)).status_code == 404
    today = timezone.localdate()
    assert client.post(_url("policy-trial-start", draft), {"since": today, "until": today}).status_code == 404
    assert not Trial.objects.exists()
