"""The customer's page and what can be sent from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from core import codes
from core.audit.actors import CUSTOMER
from core.errors import DomainError
from core.plain_text import plain_text
from customer import throttling
from customer.link import Visit, behind_link, open_link
from customer.refund.page import Notice, refund_page
from refunds.evidence import files
from refunds.evidence.picture_response import picture_response
from refunds.follow_up import survey
from refunds.intake import answering
from refunds.models import Evidence
from refunds.models.evidence import EvidenceKind

MAX_AT_ONCE = 6
#: Refused by its length before anything of it is read.
MAX_BODY_BYTES = MAX_AT_ONCE * files.MAX_UPLOAD_BYTES + 1_000_000


@behind_link
@require_safe
def refund(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The page itself."""
    thanks = {
        "rated": gettext("Thank you for your score."),
        "added": gettext("Thank you, your pictures have arrived."),
        "answered": gettext("Thank you, your answer has arrived. The store goes on with your refund."),
    }
    return _page(request, visit, Notice(thanks.get(request.GET.get("done", ""), "")))


@behind_link
@require_POST
def rate(request: HttpRequest, visit: Visit) -> HttpResponse:
    """A score of 1 to 5 and a few words, once."""
    if refusal := _too_much(request, visit):
        return refusal
    score, comment = request.POST.get("score", ""), plain_text(request.POST.get("comment", ""), limit=500)
    if score not in {"1", "2", "3", "4", "5"}:
        return _refused(request, visit, notice=codes.words("score_out_of_range"), comment=comment)
    try:
        survey.rate(request_id=visit.refund.pk, score=int(score), comment=comment, by=visit.by, at=timezone.now())
    except survey.AlreadyRated:
        return _done(visit, "rated")
    except DomainError:
        return _refused(request, visit, notice=gettext("You can rate this refund once the money is there."))
    return _done(visit, "rated")


@behind_link
@require_POST
def add_evidence(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Pictures, with a word on what they show."""
    if refusal := _too_much(request, visit):
        return refusal
    uploads, note = request.FILES.getlist("files"), plain_text(request.POST.get("message", ""), limit=200)
    if not uploads:
        return _refused(request, visit, notice=codes.words("nothing_sent"), message=note)
    try:
        kind = request.POST.get("kind", "") or EvidenceKind.PHOTO
        pictures = _read(uploads, kind)
        files.add(request_id=visit.refund.pk, pictures=pictures, kind=kind, note=note, by=visit.by, at=timezone.now())
    except DomainError as error:
        return _refused(request, visit, notice=_explained(error), message=note)
    return _done(visit, "added")


@behind_link
@require_POST
def answer(request: HttpRequest, visit: Visit) -> HttpResponse:
    """What the store asked for: words, pictures or both. The request goes back to the store at once."""
    if refusal := _too_much(request, visit):
        return refusal
    words = plain_text(request.POST.get("message", ""), limit=answering.MAX_WORDS)
    try:
        kind = request.POST.get("kind", "") or EvidenceKind.PHOTO
        pictures = _read(request.FILES.getlist("files"), kind)
        answering.answer(
            request_id=visit.refund.pk, words=words, pictures=pictures, kind=kind, by=visit.by, at=timezone.now()
        )
    except DomainError as error:
        return _refused(request, visit, notice=_explained(error), message=words)
    return _done(visit, "answered")


@behind_link
@require_safe
def picture(request: HttpRequest, visit: Visit, evidence_id: UUID) -> HttpResponseBase:
    """A picture that came through this link; what staff added is not shown."""
    found = Evidence.objects.filter(pk=evidence_id, request=visit.refund, added_by=CUSTOMER.name)
    return picture_response(found.first(), small=request.GET.get("size") == "small")


#: Refusals that a customer can do something about; with the others only the store can help.
_FOR_CUSTOMERS = frozenset(
    {
        *("not_a_picture", "picture_too_large", "paper_too_long", "too_many_at_once", "too_many_pictures"),
        *("empty_answer", "state_conflict"),
    }
)


class _TooManyAtOnce(DomainError):
    """More pictures in one form than we read at a time."""

    code = "too_many_at_once"


def _read(uploads: Sequence[UploadedFile[Any]], kind: str) -> list[files.Picture]:
    if len(uploads) > MAX_AT_ONCE:
        raise _TooManyAtOnce(f"at most {MAX_AT_ONCE} pictures at once")
    return [files.read_upload(upload=upload, kind=kind) for upload in uploads]


def _explained(error: DomainError) -> str:
    if error.code in _FOR_CUSTOMERS:
        return codes.words_for(error)
    return gettext("That could not be taken in. Please call the store; no money was moved.")


def _too_much(request: HttpRequest, visit: Visit) -> HttpResponse | None:
    """The refusal of a form that is too large, or one too many; looked at before the form is read."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
        notice = gettext("That was too much at once: at most 6 pictures of 8 MB each. Nothing was sent.")
        return _refused(request, visit, notice=notice, status=413)
    if throttling.too_much_sent(visit.refund.pk):
        return _refused(request, visit, notice=gettext("Too many tries. Please wait a few minutes."), status=429)
    return None


def _done(visit: Visit, what: str) -> HttpResponse:
    address = reverse("customer:refund", args=[visit.token])
    return HttpResponseRedirect(f"{address}?lang={visit.language}&done={what}")


def _refused(
    request: HttpRequest, visit: Visit, *, notice: str, status: int = 422, message: str = "", comment: str = ""
) -> HttpResponse:
    """The page as it stands by now, with what went wrong; words already typed are kept."""
    told = Notice(notice, tone="bad", typed_message=message, typed_comment=comment)
    return _page(request, open_link(request, visit.token), told, status=status)


def _page(request: HttpRequest, visit: Visit, notice: Notice, *, status: int = 200) -> HttpResponse:
    page = refund_page(
        request=visit.refund, token=visit.token, language=visit.language, now=timezone.now(), notice=notice
    )
    return render(request, "customer/refund.html", {"page": page}, status=status)
