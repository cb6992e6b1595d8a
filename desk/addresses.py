"""Addresses of desk pages. What a page shows is all in its URL, so that it can be shared and come back to."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

#: Where one stands in a list, as opposed to what the list is of.
PLACE = ("c", "selected", "do", "return_to")


def with_query(path: str, query: QueryDict | None = None, *, keep: bool = False, **changes: str) -> str:
    """``path`` with the query as it is, changed. An empty value drops a parameter; places in lists are dropped unless kept."""
    return _joined(path, query, changes, keep=keep)


def with_one(path: str, query: QueryDict, name: str, value: str) -> str:
    """``path`` with the query as it is but for one parameter, whose name is not known beforehand."""
    return _joined(path, query, {name: value}, keep=False)


def _joined(path: str, query: QueryDict | None, changes: Mapping[str, str], *, keep: bool) -> str:
    pairs = {} if query is None else {key: str(query[key]) for key in query if query[key]}
    if not keep:
        pairs = {key: value for key, value in pairs.items() if key not in PLACE}
    pairs = {key: value for key, value in {**pairs, **changes}.items() if value}
    return f"{path}?{urlencode(pairs)}" if pairs else path


def refund(number: str, name: str = "refund") -> str:
    return reverse(f"desk:{name}", args=[number])


def return_to(request: HttpRequest, default: str) -> str:
    """The desk page to come back to after an action; nothing outside the desk is believed."""
    wanted = request.POST.get("return_to") or request.GET.get("return_to") or ""
    local = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith("/desk")
    return wanted if local else default
