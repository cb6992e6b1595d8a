"""What can be sent from the page: a score, pictures, an answer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.audit.models import AuditEvent
from customer.refund import view
from merchants import principals
from refunds.evidence import files as evidence
from refunds.models import Evidence, RefundRequest, Survey
from refunds.telling import tracking
from tests import pictures
from tests.customer.conftest import Staged

pytestmark = pytest.mark.django_db


def post(request: RefundRequest, what: str, **fields: Any) -> Any:
    return Client().post(f"/r/{tracking.token_for(request.pk)}/{what}?lang=en", fields)


def photos(count: int) -> Sequence[object]:
    return [pictures.upload() for _ in range(count)]


def fresh(request: RefundRequest) -> RefundRequest:
    return RefundRequest.objects.get(pk=request.pk)


# --- rating -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["refunded", "follow_up", "closed"])
def test_a_refund_is_rated_once(staged: Staged, state: str) -> None:
    request = staged(state)
    response = post(request, "rate", score="4", comment=" 很快 \u202e到账 ")
    assert response.status_code == 302
    survey = Survey.objects.get(request=request)
    assert (survey.score, survey.comment) == (4, "很快 到账")
    page = Client().get(response["Location"]).content.decode()
    assert "Thank you for your score." in page
    assert "4 / 5" in page
    assert 'name="score"' not in page
    again = post(request, "rate", score="1")
    assert again.status_code == 302
    assert Survey.objects.get(request=request).score == 4
    assert AuditEvent.objects.filter(object_id=str(request.pk), action="refund.rated").count() == 1


def test_a_score_says_what_it_is_about(staged: Staged) -> None:
    request = staged("refunded")
    assert post(request, "rate", score="2", reason=["speed", "effort", "<b>", "speed"]).status_code == 302
    assert Survey.objects.get(request=request).reasons == ["speed", "effort"]


@pytest.mark.parametrize("score", ["0", "6", "-1", "", "4.5", "abc", "４", "1e1", "5" * 400])
def test_no_other_score_counts_and_the_words_are_kept(staged: Staged, score: str) -> None:
    request = staged("refunded")
    response = post(request, "rate", score=score, comment="不错")
    assert response.status_code == 422
    page = response.content.decode()
    assert "Please choose one to five stars." in page
    assert "不错</textarea>" in page
    assert not Survey.objects.exists()


def test_no_rating_before_the_money_is_there(staged: Staged) -> None:
    request = staged("in_review")
    assert 'name="score"' not in Client().get(f"/r/{tracking.token_for(request.pk)}").content.decode()
    assert post(request, "rate", score="5").status_code == 422
    assert not Survey.objects.exists()


# --- pictures -----------------------------------------------------------------------------------------------------


def test_pictures_are_added_and_shown_only_through_their_own_link(staged: Staged) -> None:
    request, other = staged("in_review"), staged("in_review")
    response = post(request, "evidence", files=photos(2), message="开裂处")
    assert response.status_code == 302
    rows = list(Evidence.objects.filter(request=request))
    assert [(row.note, row.added_by) for row in rows] == [("开裂处", "customer")] * 2
    page = Client().get(response["Location"]).content.decode()
    assert "your pictures have arrived" in page
    assert page.count("?size=small") == 2
    picture = Client().get(_picture(request, rows[0]))
    assert (picture.status_code, picture["Content-Type"]) == (200, "image/jpeg")
    assert picture["Cache-Control"] == "no-store"
    assert picture["X-Content-Type-Options"] == "nosniff"
    assert hashlib.sha256(picture.content).hexdigest() == rows[0].sha256
    assert Client().get(_picture(other, rows[0])).status_code == 404
    assert fresh(request).version == request.version


def _picture(request: RefundRequest, row: Evidence) -> str:
    return reverse("customer:picture", args=[tracking.token_for(request.pk), row.pk])


def test_what_staff_added_is_not_the_customers_to_see(staged: Staged) -> None:
    request = staged("in_review")
    read = [evidence.read_picture(upload=pictures.upload())]
    (row,) = evidence.add(request_id=request.pk, pictures=read, by=principals.SYSTEM, at=timezone.now())
    assert Client().get(_picture(request, row)).status_code == 404
    assert "?size=small" not in Client().get(f"/r/{tracking.token_for(request.pk)}").content.decode()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        pytest.param([], "choose at least one picture", id="none"),
        pytest.param([b"<svg onload=alert(1)>"], "not a JPEG, PNG or WebP", id="SVG"),
        pytest.param([None, b"%PDF-1.7 /JavaScript"], "not a JPEG, PNG or WebP", id="one good, one PDF"),
        pytest.param([pictures.png_claiming(60_000, 60_000)], "larger than 8 MB", id="pixel flood"),
        pytest.param([None] * 7, "at most 6 pictures at once", id="too many at once"),
    ],
)
def test_bad_uploads_keep_nothing_and_say_so(
    staged: Staged, folder: Path, files: list[bytes | None], sentence: str
) -> None:
    request = staged("in_review")
    response = post(request, "evidence", files=[pictures.upload(content) for content in files], message="看这里")
    assert response.status_code == 422
    page = response.content.decode()
    assert sentence in page
    assert "看这里</textarea>" in page
    assert not Evidence.objects.exists()
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_a_full_request_offers_no_more_and_takes_no_more(staged: Staged) -> None:
    request = staged("in_review")
    for _ in range(2):
        assert post(request, "evidence", files=photos(6)).status_code == 302
    page = Client().get(f"/r/{tracking.token_for(request.pk)}").content.decode()
    assert 'name="files"' not in page
    assert post(request, "evidence", files=photos(1)).status_code == 422
    assert Evidence.objects.filter(request=request).count() == 12


def test_a_huge_form_is_refused_by_its_length(staged: Staged) -> None:
    request = staged("in_review")
    response = Client().post(
        f"/r/{tracking.token_for(request.pk)}/evidence?lang=en",
        data=b"",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(view.MAX_BODY_BYTES + 1),
    )
    assert response.status_code == 413
    assert "too much at once" in response.content.decode()


def test_a_flood_of_forms_through_one_link_is_stopped(staged: Staged) -> None:
    request = staged("refunded")
    answers = [post(request, "rate", score="x").status_code for _ in range(view.SENT + 1)]
    assert answers == [422] * view.SENT + [429]


# --- the answer to "we need something from you" -------------------------------------------------------------------


def test_an_answer_brings_the_request_back_to_the_store(staged: Staged) -> None:
    request = staged("needs_info")
    RefundRequest.objects.filter(pk=request.pk).update(description="面板开裂")
    response = post(request, "answer", message="照片在这里 \u202e", files=photos(1))
    assert response.status_code == 302
    after = fresh(request)
    assert (after.state, after.paused_at, after.message_to_customer) == ("in_review", None, "")
    assert after.description == "面板开裂\n\n照片在这里"
    assert Evidence.objects.filter(request=request).count() == 1
    resubmitted = AuditEvent.objects.get(object_id=str(request.pk), action="refund.resubmit")
    assert resubmitted.actor_kind == "customer"
    assert "照片在这里" not in str(resubmitted.data)
    assert "your answer has arrived" in Client().get(response["Location"]).content.decode()


def test_a_long_answer_is_kept_whole_beside_a_long_wish(staged: Staged) -> None:
    request = staged("needs_info")
    RefundRequest.objects.filter(pk=request.pk).update(description="旧" * 1000)
    assert post(request, "answer", message="新" * 600).status_code == 302
    description = fresh(request).description
    assert len(description) == 1000
    assert description.endswith("旧\n\n" + "新" * 500)


@pytest.mark.parametrize("fields", [{"message": ""}, {"message": " \u202e "}, {"message": "好", "files": "svg"}])
def test_an_answer_without_anything_in_it_changes_nothing(staged: Staged, fields: dict[str, Any]) -> None:
    request = staged("needs_info")
    if "files" in fields:
        fields = {**fields, "files": [pictures.upload(b"<svg/>")]}
    assert post(request, "answer", **fields).status_code == 422
    after = fresh(request)
    assert (after.state, after.version) == ("needs_info", request.version)
    assert not Evidence.objects.exists()


def test_an_answer_that_comes_twice_changes_nothing_more(staged: Staged) -> None:
    request = staged("needs_info")
    assert post(request, "answer", message="一").status_code == 302
    again = post(request, "answer", message="二", files=photos(1))
    assert again.status_code == 422
    assert "moved on meanwhile" in again.content.decode()
    assert fresh(request).description == "一"
    assert not Evidence.objects.filter(request=request).exists()


@pytest.mark.parametrize("state", ["in_review", "rejected", "failed", "refunded"])
def test_nobody_answers_what_was_not_asked(staged: Staged, state: str) -> None:
    """A rejected or failed request can be sent in again, but by staff: the link gives no right to it."""
    request = staged(state)
    assert post(request, "answer", message="再来一次").status_code == 422
    after = fresh(request)
    assert (after.state, after.version) == (state, request.version)


def test_a_forged_link_sends_nothing(staged: Staged) -> None:
    staged("needs_info")
    for what in ("rate", "evidence", "answer"):
        assert Client().post(f"/r/forged/{what}", {"message": "x", "score": "5"}).status_code == 404
    assert not Evidence.objects.exists()


def test_other_methods_are_refused(staged: Staged) -> None:
    token = tracking.token_for(staged("needs_info").pk)
    assert Client().get(f"/r/{token}/answer").status_code == 405
    assert Client().post(f"/r/{token}").status_code == 405
    assert Client().delete(f"/r/{token}/evidence").status_code == 405
