"""Every error as a problem document (RFC 9457): ``type, title, status, detail, code, errors[{field, code, message}]``."""

import logging
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from psycopg2.errors import LockNotAvailable, QueryCanceled
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from api.bodies import JSONRenderer
from api.schemas_plan import new_plan_json
from api.schemas_verdict import VerdictOut
from core import clock
from core.codes import CODES, FIELDS, PROBLEMS, words, words_of_field
from core.errors import DomainError, NotFound
from merchants.signing import MustSign
from refunds.intake.judging import PolicyRefused
from refunds.intake.planning import PlanChanged

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

_TOO_SLOW = {
    "code": "took_too_long",
    "detail": "the database took too long for this and was stopped; ask for less at once",
}
_AWAY = {"code": "try_again", "detail": "the database is not there right now; try again"}


def address_of(code: str) -> str:
    """The ``type`` of a problem document: its line on the page of the codes."""
    return f"{settings.BASE_URL}/api/problems#{code}"


def problem(
    *, code: str, detail: str, status: int = 0, errors: list[dict[str, str]] | None = None, **more: Any
) -> dict[str, Any]:
    """The document itself. ``title`` and messages are in the caller's language; ``detail`` is for a log.

    ``status`` where the code comes with two.
    """
    entry = CODES.get(code, CODES["refused"])
    return {
        "type": address_of(code),
        "title": str(entry.title),
        "message": words(entry.name),
        "status": status or entry.statuses[0],
        "detail": detail,
        "code": code,
        "errors": errors or [],
        **more,
    }


def problem_response(error: Exception, context: dict[str, Any]) -> Response | HttpResponse | None:
    """DRF's exception handler. Unforeseen errors pass through and become a 500."""
    response = _translate(error)
    if response is None:
        return None
    set_rollback()
    response.content_type = MEDIA_TYPE
    request: Any = context.get("request")
    if not isinstance(getattr(request, "accepted_renderer", None), JSONRenderer | None):
        # The description of the API is YAML to most; what is wrong with asking for it is JSON all the same.
        return HttpResponse(JSONRenderer().render(response.data), status=response.status_code, content_type=MEDIA_TYPE)
    return response


def _translate(error: Exception) -> Response | None:
    if isinstance(error, Http404):
        error = NotFound("there is no such thing here")
    if isinstance(error, DjangoPermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, MustSign):
        error = error.as_refusal()
    if isinstance(error, DomainError):
        return _of_domain_error(error)
    if isinstance(error, OperationalError) and isinstance(error.__cause__, LockNotAvailable):
        return _later("busy", "the same thing is being changed right now; try again", wait_s=1)
    if isinstance(error, OperationalError) and isinstance(error.__cause__, QueryCanceled):
        logger.error("a statement ran out of time", exc_info=error)
        return _later(**_TOO_SLOW, wait_s=5)
    if isinstance(error, InterfaceError | OperationalError):
        logger.error("the database did not do it", exc_info=error)
        return _later(**_AWAY, wait_s=2)
    if isinstance(error, exceptions.APIException):
        return _of_api_exception(error)
    return None


def _later(code: str, detail: str, *, wait_s: int) -> Response:
    body = problem(code=code, detail=detail)
    return Response(body, status=body["status"], headers={"Retry-After": str(wait_s)})


def _of_domain_error(error: DomainError) -> Response:
    facts = dict(error.facts)
    if isinstance(error, PolicyRefused):
        facts["verdict"] = VerdictOut.of(facts["verdict"].as_json())
    if isinstance(error, PlanChanged):
        legs, sale = facts.pop("legs"), facts.pop("sale")
        facts |= {"plan": new_plan_json(legs, sale, at=clock.now()), "transaction": sale.id}
    errors = [{"field": item.field, "code": item.code, "message": words_of_field(item)} for item in error.errors]
    if not errors and error.code in CODES and (field := CODES[error.code].field):
        errors = [{"field": field, "code": error.code, "message": words(error.code)}]
    body = problem(status=error.status, code=error.code, detail=error.message, errors=errors, **facts)
    wait_s = error.facts.get("retry_after_s")
    return Response(body, status=error.status, headers={"Retry-After": str(wait_s)} if wait_s else None)


def _of_api_exception(error: exceptions.APIException) -> Response:
    headers = {}
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if isinstance(error, exceptions.ValidationError):
        body = problem(code="invalid_input", detail="the input has errors", errors=[*flattened(error.detail, "")])
        return Response(body, status=400, headers=headers)
    detail = error.detail if isinstance(error.detail, str) else str(error.default_detail)
    code = str(getattr(detail, "code", error.default_code))
    return Response(
        problem(status=error.status_code, code=code, detail=str(detail)), status=error.status_code, headers=headers
    )


def flattened(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """What is wrong with the fields of a body, one by one."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            part = "" if name == "non_field_errors" else str(name)
            yield from flattened(inner, f"{path}.{part}".strip("."))
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            if not nested or inner:
                yield from flattened(inner, f"{path}.{number}".strip(".") if nested else path)
    else:
        yield {"field": path, "code": str(getattr(detail, "code", "invalid")), "message": str(detail)}


def _plain(code: str, detail: str) -> HttpResponse:
    """A problem that no view of ours could tell of."""
    body = problem(code=code, detail=detail)
    return HttpResponse(JSONRenderer().render(body), status=body["status"], content_type=MEDIA_TYPE)


@csrf_exempt
def not_found(request: HttpRequest) -> HttpResponse:
    """For paths below /api that lead nowhere, with whatever method."""
    return _plain("not_found", "there is no such thing here")


def bad_request(request: HttpRequest) -> HttpResponse:
    """For requests that Django itself turns away."""
    return _plain("bad_request", "the request cannot be read")


def too_slow(request: HttpRequest) -> HttpResponse:
    """For what the database stopped outside of a view of ours."""
    return _plain(**_TOO_SLOW)


def database_away(request: HttpRequest) -> HttpResponse:
    """For what the database did not do, outside of a view of ours."""
    return _plain(**_AWAY)


def server_error(request: HttpRequest) -> HttpResponse:
    """For what nobody foresaw: it is in the log, and the caller may send the same call again."""
    return _plain("internal_error", "the fault is ours and was recorded")


#: What a server refuses before there is a request, and what no handler of Django's answered.
_UNREAD = {
    400: {"code": "bad_request", "detail": "the request cannot be read"},
    414: {"code": "address_too_long", "detail": "the address is too long"},
    431: {"code": "headers_too_large", "detail": "a header is too long, or there are too many"},
    500: {"code": "internal_error", "detail": "the fault is ours and was recorded"},
}


def unread(status: int) -> bytes:
    """The document for what was never a request. Its caller's language was not read either, so it is said in each."""
    documents = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            documents.append(problem(code=_UNREAD[status]["code"], detail=_UNREAD[status]["detail"]))
    said = {name: " · ".join(str(one[name]) for one in documents) for name in ("title", "message")}
    return JSONRenderer().render({**documents[0], **said})


def only_looked_at(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Another method than GET and HEAD is a problem, below /api like everywhere else."""

    @csrf_exempt
    @wraps(view)
    def look(request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD"}:
            return view(request)
        response = _plain("method_not_allowed", "this address is only looked at")
        response["Allow"] = "GET, HEAD"
        return response

    return look


@only_looked_at
def problem_types(request: HttpRequest) -> HttpResponse:
    """One line a code, found by its fragment. For everybody: it tells nothing of anybody."""
    of_a_field = _("Stands in `errors`, beside the field that it is about.")
    kinds = [(kind, _pieces(str(kind.remedy or of_a_field))) for kind in (*PROBLEMS, *FIELDS)]
    return render(request, "api/problems.html", {"kinds": kinds})


def _pieces(text: str) -> list[tuple[bool, str]]:
    """A text as (is code, text): what stands between backticks is code."""
    return [(bool(number % 2), piece) for number, piece in enumerate(text.split("`")) if piece]
