"""Every address of the URLconf, and what may be sent to it, asked of the product itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.reconciliation.world import DAY

#: A value for each kind of part that an address has; none names anything that is there.
_EXAMPLES = {"str": "nothing", "int": "4711", "uuid": str(uuid4()), "id": str(uuid4()), "day": DAY.isoformat()}
#: Those that do something. HEAD and OPTIONS only ask.
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def routes() -> list[str]:
    """As the URLconf writes them, from the root."""
    return sorted(set(_below(get_resolver(), "/")))


def _below(resolver: URLResolver, prefix: str) -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route
        else:
            yield from _below(entry, route)


def example(route: str, **parts: str) -> str:
    """An address of this route; ``parts`` by name, where they have to lead somewhere."""
    if route == "/^/*[Aa][Pp][Ii]/":
        return "/api/nowhere"
    return re.sub(r"<(\w+):(\w+)>", lambda part: parts.get(part[2], _EXAMPLES[part[1]]), route)


def acts(path: str) -> set[str]:
    """The methods that the address takes. A view that takes whatever comes is at least looked at."""
    answer = Client().generic("NONSENSE", path)
    if answer.status_code != 405:
        answer = Client().options(path)
    allowed = {method.strip() for method in answer.headers.get("Allow", "GET").split(",")}
    return allowed & set(_METHODS)
