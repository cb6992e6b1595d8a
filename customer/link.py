"""The signed link: who has it may read and send, nobody else can.

No session and no cookie takes part. A forged page of another site could not name the link either, so there is nothing for a
CSRF token to protect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt

from core.errors import NotFound
from customer import throttling
from merchants import principals
from merchants.principals import Principal
from refunds.models import RefundRequest
from refunds.telling import tracking
from refunds.telling.tracking import LinkExpired
from refunds.telling.wording import language_of

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
    """Open the link first: a forged one is a 404, one that is too old says so, and no answer is kept by anybody."""

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
            response = _unknown(request)
        else:
            with _speaking(request, visit.language):
                response = view(request, visit, *args, **kwargs)
                response["Content-Language"] = visit.language
        for name, value in _HEADERS.items():
            response[name] = value
        return response

    return routed


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
    asked = request.GET.get("lang", "")
    return asked if asked in dict(settings.LANGUAGES) else ""


def _speaking(request: HttpRequest, language: str) -> translation.override:
    request.LANGUAGE_CODE = language
    return translation.override(language)


def _expired(request: HttpRequest) -> HttpResponse:
    with _speaking(request, _visitors_language(request)):
        return render(request, "customer/expired.html", status=410)


def _unknown(request: HttpRequest) -> HttpResponse:
    """Whatever is wrong with it, the answer is the same; whoever goes on guessing is slowed down."""
    with _speaking(request, _visitors_language(request)):
        wait_s = throttling.wait_for_bad_token(request)
        if not wait_s:
            return render(request, "customer/unknown.html", status=404)
        response = render(request, "429.html", {"wait_s": wait_s}, status=429)
    response["Retry-After"] = str(wait_s)
    return response


def _visitors_language(request: HttpRequest) -> str:
    """The browser's, unless the link says another: whose refund it was is no longer told."""
    return _asked_language(request) or translation.get_language() or settings.LANGUAGE_CODE
