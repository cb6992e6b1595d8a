"""The customer's page and what can be sent from it, behind a signed link: who has it may read and send, nobody else can.

No session and no cookie takes part. A forged page of another site could not name the link either, so there is nothing for a
CSRF token to protect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from core import clock, codes, tenant_wall
from core.audit.actors import CUSTOMER
from core.client_address import client_address
from core.errors import DomainError, NotFound
from core.guessing import Bucket, Limit, TooManyGuesses, take
from core.personal_data import mask_phone
from core.plain_text import folded, one_line, plain_text
from customer.refund.page import Notice, refund_page
from merchants import principals
from merchants.principals import Principal
from reconciliation import arrivals
from refunds.evidence import files
from refunds.evidence.picture_response import picture_response
from refunds.facts import conditions
from refunds.follow_up import erasing, reports, survey
from refunds.goods import offers, returns
from refunds.intake import answering, appealing, naming
from refunds.intake.claims import Account
from refunds.models import Evidence, RefundRequest
from refunds.models.evidence import EvidenceKind
from refunds.telling import one_time, tracking
from refunds.telling.tracking import LinkExpired
from refunds.telling.wording import language_of

WINDOW_S = 600
#: Wrong links from one address. A whole town may share one: genuine links are never counted, nor refused.
BAD_TOKENS = Limit(free=20, first_wait_s=10, longest_wait_s=600)
#: Things sent through one link, in ``WINDOW_S``.
SENT = 30


def wait_for_bad_token(request: HttpRequest) -> int:
    """Count one wrong link; the seconds that this address has to wait, 0 while it has not tried too many."""
    address = client_address(request.META)
    if not address:
        return 0
    try:
        take(Bucket(name=f"link:{address}", limit=BAD_TOKENS))
    except TooManyGuesses as refusal:
        return refusal.wait_s
    return 0


def too_much_sent(request_id: object) -> bool:
    """Count one form sent through a link; True once there were too many."""
    return _count(f"customer:sent:{request_id}") > SENT


def _count(key: str) -> int:
    cache.add(key, 0, timeout=WINDOW_S)
    try:
        return cache.incr(key)
    except ValueError:  # it ran out between the two
        return 1


_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}

Parameters = ParamSpec("Parameters")


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody with a genuine link looks at their refund, in a language of ours."""

    token: str
    refund: RefundRequest
    language: str

    @property
    def by(self) -> Principal:
        """The customer, as far as the link goes."""
        refund = self.refund
        return principals.of_customer(merchant_id=refund.merchant_id, store_id=refund.store_id, request_id=refund.pk)


View = Callable[Concatenate[HttpRequest, Visit, Parameters], HttpResponseBase]
#: What Django calls: with the request, and the parts of the address by their names.
Routed = Callable[..., HttpResponseBase]


def behind_link(view: View[Parameters]) -> Routed:
    """Open the link first: a forged one is a 404, one that is too old says so, and no answer is kept by anybody. What is done
    then is done behind the merchant's wall.
    """

    @csrf_exempt
    @wraps(view)
    def routed(
        request: HttpRequest, token: str, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> HttpResponseBase:
        try:
            visit = open_link(request, token)
        except LinkExpired:
            response: HttpResponseBase = _expired(request)
        except NotFound:
            response = unknown(request)
        else:
            merchant = visit.refund.merchant
            with (
                clock.running_ahead(merchant.clock_ahead),
                speaking(request, visit.language),
                tenant_wall.within(merchant.pk),
            ):
                response = view(request, visit, *args, **kwargs)
                response["Content-Language"] = visit.language
        return with_headers(response)

    return routed


def with_headers(response: HttpResponseBase) -> HttpResponseBase:
    """What every answer to a visitor says: kept by nobody, told to nobody."""
    for name, value in _HEADERS.items():
        response[name] = value
    return response


def open_link(request: HttpRequest, token: str) -> Visit:
    refund = (
        RefundRequest.objects.select_related("merchant", "store", "transaction__channel_account")
        .filter(pk=tracking.request_id_of(token))
        .first()
    )
    if refund is None:
        raise NotFound("there is no such page")
    return Visit(token, refund, _asked_language(request) or language_of(refund.customer_locale))


def _asked_language(request: HttpRequest) -> str:
    """What the address asks for, else what was chosen in this browser before; "" for neither."""
    asked = (request.GET.get("lang", ""), request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""))
    return next((one for one in asked if one in dict(settings.LANGUAGES)), "")


def speaking(request: HttpRequest, language: str) -> translation.override:
    request.LANGUAGE_CODE = language
    return translation.override(language)


def _expired(request: HttpRequest) -> HttpResponse:
    with speaking(request, visitors_language(request)):
        return render(request, "customer/expired.html", status=410)


def unknown(request: HttpRequest) -> HttpResponse:
    """Whatever is wrong with it, the answer is the same; whoever goes on guessing is slowed down."""
    with speaking(request, visitors_language(request)):
        wait_s = wait_for_bad_token(request)
        if not wait_s:
            return render(request, "customer/unknown.html", status=404)
        response = render(request, "429.html", {"wait_s": wait_s}, status=429)
    response["Retry-After"] = str(wait_s)
    return response


def visitors_language(request: HttpRequest) -> str:
    """The browser's, unless the link says another: whose refund it was is no longer told."""
    return _asked_language(request) or translation.get_language() or settings.LANGUAGE_CODE


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
        "arrived": gettext("Thank you. Good to know that it is there."),
        "missing": gettext("We have looked into it; see below."),
        "appealed": gettext("Your appeal has arrived. Somebody else looks at it."),
        "help": gettext("Your question has arrived. Somebody answers it."),
        "applied": gettext("Your request has arrived. Follow it here."),
        "account": gettext("Your account has arrived. Somebody checks it before anything is paid."),
        "sent": gettext("Thank you, the store knows of your parcel."),
        "taken": gettext("Thank you. The store gets in touch about it; no money moves."),
        "declined": gettext("Thank you. The store goes on with your refund."),
        "erased": gettext("Your data is erased. The amounts stay in the store's books, without your name."),
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
        survey.rate(
            request_id=visit.refund.pk,
            score=int(score),
            comment=comment,
            reasons=request.POST.getlist("reason")[:20],
            by=visit.by,
            at=clock.now(),
        )
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
        pictures = read(uploads, kind)
        files.add(request_id=visit.refund.pk, pictures=pictures, kind=kind, note=note, by=visit.by, at=clock.now())
    except DomainError as error:
        return _refused(request, visit, notice=_explained(error), message=note)
    return _done(visit, "added")


@behind_link
@require_POST
def answer(request: HttpRequest, visit: Visit) -> HttpResponse:
    """What the store asked for: words, pictures or both. The request goes back to the store at once."""
    return _with_words(request, visit, "answered", answering.answer)


def _with_words(request: HttpRequest, visit: Visit, what: str, send: Callable[..., object]) -> HttpResponse:
    if refusal := _too_much(request, visit):
        return refusal
    words = plain_text(request.POST.get("message", ""), limit=answering.MAX_WORDS)
    try:
        kind = request.POST.get("kind", "") or EvidenceKind.PHOTO
        pictures = read(request.FILES.getlist("files"), kind)
        send(request_id=visit.refund.pk, words=words, pictures=pictures, kind=kind, by=visit.by, at=clock.now())
    except DomainError as error:
        return _refused(request, visit, notice=_explained(error), message=words)
    return _done(visit, what)


@behind_link
@require_POST
def arrived(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The money is there."""
    return _said(request, visit, "arrived", partial(reports.arrived, request_id=visit.refund.pk))


@behind_link
@require_POST
def missing(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The money is not there: the channel is asked, and proof or a case comes of it."""
    return _said(request, visit, "missing", partial(arrivals.not_arrived, request_id=visit.refund.pk))


@behind_link
@require_POST
def ask_help(request: HttpRequest, visit: Visit) -> HttpResponse:
    """A question for a person."""
    words = plain_text(request.POST.get("message", ""), limit=reports.MAX_WORDS)
    return _said(request, visit, "help", partial(reports.help_wanted, request_id=visit.refund.pk, words=words))


@behind_link
@require_POST
def erase(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The customer takes back their consent: what they gave is erased."""
    if request.POST.get("sure") != "1":
        notice = gettext("Please tick that you are sure. Nothing was erased.")
        return _refused(request, visit, notice=notice, ticket=request.POST.get("ticket", "")[:64])
    return _by_phone(request, visit, "erased", partial(erasing.erase_own, request_id=visit.refund.pk))


def _said(request: HttpRequest, visit: Visit, what: str, keep: Callable[..., object]) -> HttpResponse:
    if refusal := _too_much(request, visit):
        return refusal
    try:
        keep(by=visit.by, at=clock.now())
    except DomainError as error:
        return _refused(request, visit, notice=_explained(error))
    return _done(visit, what)


@behind_link
@require_POST
def appeal(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The customer sees a rejection differently."""
    return _with_words(request, visit, "appealed", appealing.appeal)


@sensitive_post_parameters("payee_holder", "payee_account", "payee_bank")
@behind_link
@require_POST
def name_account(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Another account of the customer's, where the one that paid is closed, with the code that shows whose it is. It is never
    shown again.
    """
    account = Account(
        holder_name=one_line(request.POST.get("payee_holder", ""), limit=200),
        account_no=request.POST.get("payee_account", "")[:100],
        bank_name=one_line(request.POST.get("payee_bank", ""), limit=200),
    )
    consent = request.POST.get("consent") == "1"
    keep = partial(naming.name_account, request_id=visit.refund.pk, account=account, consent=consent)
    return _by_phone(request, visit, "account", keep)


@behind_link
@require_POST
def send_code(request: HttpRequest, visit: Visit) -> HttpResponse:
    """A code to the customer's own phone, for what the link alone is not enough: others have that, too."""
    if refusal := _too_much(request, visit):
        return refusal
    refund, phone = visit.refund, conditions.phone_to_show(visit.refund)
    try:
        if not phone:
            raise conditions.PhoneNotShown("no phone of the customer is known")
        ticket = one_time.send(
            phone=phone,
            transaction_id=refund.transaction_id,
            merchant=refund.merchant,
            language=visit.language,
            at=clock.now(),
        )
    except DomainError as error:
        return _refused(request, visit, notice=_explained(error))
    sent = gettext("We sent a code to %(phone)s.") % {"phone": mask_phone(phone)}
    return _page(request, visit, Notice(sent, ticket=ticket))


def _by_phone(request: HttpRequest, visit: Visit, what: str, keep: Callable[..., object]) -> HttpResponse:
    """As ``_said``, with the phone that the form's code shows; "" where it has none."""
    if refusal := _too_much(request, visit):
        return refusal
    ticket, phone = request.POST.get("ticket", "")[:64], ""
    try:
        if ticket:
            held = one_time.check(ticket=ticket, code=folded(request.POST.get("code", ""))[:12])
            phone = held.phone if held.transaction_id == visit.refund.transaction_id else ""
        keep(phone=phone, by=visit.by, at=clock.now())
    except DomainError as error:
        return _refused(request, visit, notice=_explained(error), ticket=ticket)
    return _done(visit, what)


@behind_link
@require_POST
def send_goods(request: HttpRequest, visit: Visit) -> HttpResponse:
    """By which parcel the goods come."""
    carrier, parcel_no = (request.POST.get(name, "")[:80] for name in ("carrier", "parcel_no"))
    send = partial(returns.send, request_id=visit.refund.pk, carrier=carrier, parcel_no=parcel_no)
    return _said(request, visit, "sent", send)


@behind_link
@require_POST
def answer_offer(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Whether they take what is offered instead of the money. Taken, the refund ends."""
    accepted = request.POST.get("accepted") == "1"
    keep = partial(offers.answer, request_id=visit.refund.pk, accepted=accepted)
    return _said(request, visit, "taken" if accepted else "declined", keep)


@behind_link
@require_safe
def picture(request: HttpRequest, visit: Visit, evidence_id: UUID) -> HttpResponseBase:
    """A picture that came through this link; what staff added is not shown."""
    found = Evidence.objects.filter(pk=evidence_id, request=visit.refund, added_by=CUSTOMER.name)
    return picture_response(found.first(), small=request.GET.get("size") == "small")


#: Refusals that a customer can do something about; with the others only the store can help.
_FOR_CUSTOMERS = frozenset(
    {
        *(
            "file_not_kept",
            "not_a_picture",
            "picture_too_large",
            "paper_too_long",
            "too_many_at_once",
            "too_many_pictures",
        ),
        *("empty_answer", "state_conflict", "appealed_before", "not_paid_yet", "account_incomplete"),
        *("consent_needed", "refunds_under_way"),
        *("code_wrong", "code_not_sent", "too_many_codes", "phone_not_shown"),
        *("parcel_invalid", "goods_already_received", "no_such_return", "no_such_offer"),
    }
)


class _TooManyAtOnce(DomainError, code="too_many_at_once"):
    """More pictures in one form than we read at a time."""


def read(uploads: Sequence[UploadedFile[Any]], kind: str) -> list[files.Picture]:
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
    if too_much_sent(visit.refund.pk):
        return _refused(request, visit, notice=gettext("Too many tries. Please wait a few minutes."), status=429)
    return None


def _done(visit: Visit, what: str) -> HttpResponse:
    address = reverse("customer:refund", args=[visit.token])
    return HttpResponseRedirect(f"{address}?lang={visit.language}&done={what}")


def _refused(
    request: HttpRequest,
    visit: Visit,
    *,
    notice: str,
    status: int = 422,
    message: str = "",
    comment: str = "",
    ticket: str = "",
) -> HttpResponse:
    """The page as it stands by now, with what went wrong; words already typed are kept."""
    told = Notice(notice, tone="bad", typed_message=message, typed_comment=comment, ticket=ticket)
    return _page(request, open_link(request, visit.token), told, status=status)


def _page(request: HttpRequest, visit: Visit, notice: Notice, *, status: int = 200) -> HttpResponse:
    page = refund_page(
        request=visit.refund, token=visit.token, language=visit.language, by=visit.by, now=clock.now(), notice=notice
    )
    return render(request, "customer/refund.html", {"page": page}, status=status)
