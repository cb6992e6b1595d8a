"""What is kept of an answered call for the request log."""

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request

from api import idempotency
from api.caller import Caller
from integrations import request_log
from integrations.request_log import Call

_CALL = "api_call"
_ABOUT = ("request_id", "transaction_id")
#: How the answer to a submission, which is text already, begins.
_MADE = re.compile(r'\{"id":\s?"([0-9a-f-]{36})"')


def remember(request: HttpRequest, call: Request) -> None:
    """Leave the call with its request, for the outermost middleware, which knows how long it took."""
    setattr(request, _CALL, call)


def note(request: HttpRequest, response: HttpResponseBase, *, ms: int, request_id: str) -> None:
    """Put an answered call down, where it was a key's."""
    call: Request | None = getattr(request, _CALL, None)
    # The recognised caller, as far as it came: asking the property would recognise them now.
    caller = getattr(call, "_user", None)
    if call is None or not isinstance(caller, Caller) or caller.by.key_id is None or request.resolver_match is None:
        return
    answered: Any = getattr(response, "data", None)
    problem: Mapping[str, Any] = answered if response.status_code >= 400 and isinstance(answered, Mapping) else {}
    request_log.note(
        Call(
            merchant_id=caller.merchant_id,
            key_id=caller.by.key_id,
            stores=caller.by.stores,
            at=timezone.now(),
            method=request.method or "",
            route=request.resolver_match.route,
            about=_about(request.resolver_match.kwargs, answered),
            status=response.status_code,
            ms=ms,
            repeat=_repeat(request, response, problem),
            code=str(problem.get("code", "")),
            fields=", ".join(f"{one['field']}: {one['code']}" for one in problem.get("errors", ())),
            request_id=request_id,
            sent=_sent(call),
        )
    )


def _about(named: Mapping[str, Any], answered: Any) -> str:
    for name in _ABOUT:
        if name in named:
            return str(named[name])
    if isinstance(answered, str):
        found = _MADE.match(answered)
        return found[1] if found else ""
    made = answered.get("id", "") if isinstance(answered, Mapping) else ""
    return made if isinstance(made, str) else ""


def _repeat(request: HttpRequest, response: HttpResponseBase, problem: Mapping[str, Any]) -> str:
    if idempotency.HEADER not in request.headers:
        return ""
    if "Idempotent-Replayed" in response.headers:
        return "replayed"
    if problem.get("code") == "idempotency_key_reused":
        return "conflict"
    return "open" if problem else "first"


def _sent(call: Request) -> Any:
    """The body as the parser read it; it is not read for this."""
    data = getattr(call, "_full_data", None)
    if isinstance(data, QueryDict):
        data = data.dict()
    if isinstance(data, Mapping | list) and data:
        return data
    return call.query_params.dict()
