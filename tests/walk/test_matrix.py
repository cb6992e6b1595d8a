"""Every address of the URLconf x roles x merchants x stores: whom it lets in, and what it answers those to whom it is not theirs.

The walk's own cases are played; what they ask of their address is asked before by everybody else, with the very same body, and
undone. `make test` plays a part of them, `make matrix` all.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from core.audit.models import AuditEvent
from merchants import api_keys
from merchants.models import KeyScope, Merchant, Role, Store
from merchants.principals import of_staff
from merchants.rights import TABLE, Act
from refunds.models import RefundRequest
from simulators.kit.testing import RunningSimulator
from tests.factories import make_merchant, make_staff
from tests.together import rolled_back
from tests.walk.addresses import routes
from tests.walk.cases import every_case
from tests.walk.stage import Stage

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]

CASES = every_case()
_PARTS = 32
_PLAYED = range(_PARTS) if os.environ.get("MATRIX") else range(1)

#: Addresses for whoever holds a link, or comes to sign in, and those that a channel calls under its own signature.
_BY_LINK = ("/r/", "/join/", "/login", "/channels/")
#: Addresses for everybody: they tell nothing of a merchant, and ask for no role.
_FOR_ALL = {
    "/", "/api", "/api/docs", "/api/docs.md", "/api/problems", "/api/schema", "/llms.txt", "/i18n/setlang", "/logout",
    "/healthz", "/readyz", "/metrics", "/^/*[Aa][Pp][Ii]/",
}  # fmt: skip
#: Parts of addresses that name what every merchant has one of its own of: the same text leads each to theirs.
_NAMES = re.compile(r"<str:(code|event|medium|language|channel|account|kind|day)>|<int:number>|<day:day>")
#: Below these everybody acts on what is their own, after their password: one of somebody else's is not even looked for.
_OF_ONESELF = ("/desk/account/",)
#: Below these is what belongs to the whole merchant: people of any store may know of it.
_OF_NO_STORE = (
    "/desk/policy/",
    "/api/v1/policy/",
    "/desk/settings/channel-accounts/new/",
    # Of somebody who decides in all of them.
    "/api/v1/delegations/",
    "/desk/deputies/",
)


@cache
def _views() -> Mapping[str, Any]:
    return dict(_below(get_resolver(), "/"))


def _below(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, Any]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route, entry.callback
        else:
            yield from _below(entry, route)


def acts_of(method: str, route: str) -> tuple[Act, ...] | None:
    """The acts that an address is for; empty: whoever is on the staff; None: it says nothing of that."""
    view: Any = _views()[route]
    if (api := getattr(view, "view_class", None)) is not None and hasattr(api, "acts_of"):
        found: tuple[Act, ...] = api.acts_of(method)
        return found
    while view is not None:
        known = inspect.getclosurevars(view).nonlocals if inspect.isfunction(view) else {}
        if "acts" in known:
            return tuple(known["acts"])
        view = getattr(view, "__wrapped__", None)
    return None


def _has_roles(route: str) -> bool:
    return route.startswith(("/desk", "/api/v1/"))


def test_every_address_says_for_whom_it_is() -> None:
    silent = [
        route for route in routes() if _has_roles(route) and all(acts_of(m, route) is None for m in ("GET", "POST"))
    ]
    assert silent == []
    others = [route for route in routes() if not _has_roles(route)]
    assert {route for route in others if not route.startswith(_BY_LINK)} == _FOR_ALL


@dataclass
class Others:
    """Who asks the same before the one of the case does."""

    stage: Stage
    method: str
    route: str
    generic: Any
    wrong: list[str] = field(default_factory=list)
    asked: int = 0

    def ask(self, client: Client, path: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        self.asked += 1
        # Made only now: what a case looks for before is its own merchant's.
        self.abroad: Merchant = make_merchant()
        self.elsewhere: Store = self.stage.merchant.stores.create(code="S9", name="九号店")
        key = client.defaults.get("HTTP_AUTHORIZATION", "").startswith("Bearer ")
        acts = acts_of(self.method, self.route) or ()
        for who, other, expected in self._keys(acts) if key else self._people(client, acts):
            ours = self._ours()
            with rolled_back():
                answer = self.generic(other, self.method, path, *arguments, **named)
                status, location = answer.status_code, answer.headers.get("Location", "")
                body = b"" if answer.streaming else answer.content
                self._judge(who, expected, self._said(path, arguments, named), status, location, body, ours)

    def _people(self, client: Client, acts: tuple[Act, ...]) -> Iterator[tuple[str, Client, str]]:
        yield "nobody", self.stage.nobody(), "out"
        yield "abroad", self._signed_in(make_staff(self.abroad, Role.OWNER)), "gone"
        own = next((role for role in Role.values if self.stage.person(role).pk == _user(client)), Role.OWNER)
        yield f"{own} elsewhere", self._signed_in(make_staff(self.stage.merchant, own, stores=[self.elsewhere])), "away"
        for role in Role.values:
            may = not acts or any(TABLE[act].of_role(role) for act in acts)
            yield role, self.stage.browser(role), "in" if may else "kept out"

    def _keys(self, acts: tuple[Act, ...]) -> Iterator[tuple[str, Client, str]]:
        yield "nobody", self.stage.nobody(), "out"
        yield "key abroad", self._key(self.abroad, list(KeyScope.values)), "gone"
        yield "key elsewhere", self._key(self.stage.merchant, list(KeyScope.values), self.elsewhere), "away"
        needed = {TABLE[act].scope for act in acts}
        if needed and "" not in needed:
            less = [scope for scope in KeyScope.values if scope not in needed]
            yield "key without scope", self._key(self.stage.merchant, less), "kept out"

    def _key(self, merchant: Merchant, scopes: list[str], store: Store | None = None) -> Client:
        by = of_staff(make_staff(merchant, Role.OWNER))
        where: dict[str, Any] = {"all_stores": True} if store is None else {"store": store, "all_stores": False}
        issued = api_keys.issue(
            merchant=merchant,
            name="other",
            scopes=scopes,
            by=by,
            at=self.stage.now(),
            **where,
        )
        return self.stage.nobody(Authorization=f"Bearer {issued[1]}")

    def _signed_in(self, staff: Any) -> Client:
        client = self.stage.nobody()
        client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
        client.cookies["csrftoken"] = "t" * 32
        return client

    @staticmethod
    def _said(path: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> str:
        """All that a request says, for an answer may repeat it."""
        return " ".join([unquote_plus(path), *(unquote_plus(_text(one)) for one in (*arguments, *named.values()))])

    def _ours(self) -> tuple[Any, ...]:
        """What must be as it was where somebody was not let in."""
        merchant = self.stage.merchant
        rows = RefundRequest.objects.filter(merchant=merchant).order_by("pk").values_list("pk", "state", "version")
        return AuditEvent.objects.filter(merchant_id=merchant.pk).count(), tuple(rows)

    def _judge(
        self, who: str, expected: str, said: str, status: int, location: str, body: bytes, before: tuple[Any, ...]
    ) -> None:
        about = f"{self.method} {self.route} by {who}: {status}"
        names_nothing = "<" not in self.route
        theirs = {
            "in": True,
            "gone": "<" not in _NAMES.sub("", self.route),
            "away": names_nothing or self.route.startswith(_OF_NO_STORE),
        }.get(expected, False)
        # Who has not signed in is shown the door, or told to come in by it first.
        door = expected == "out" and (status == 401 or (status in {302, 204} and ("login" in location or not body)))
        not_even_looked = status == 422 and self.route.startswith(_OF_ONESELF)
        if status >= 500 or not (theirs or door or not_even_looked or status in {403, 404}):
            self.wrong.append(about)
        elif (expected == "gone" or not theirs) and self._ours() != before:
            self.wrong.append(f"{about}, and something changed")
        elif expected in {"gone", "away"} and self._shows(body, said):
            self.wrong.append(f"{about}, and shows a refund")

    def _shows(self, body: bytes, said: str) -> bool:
        """Whether an answer names one of our refunds that was not asked for by its number."""
        rows = RefundRequest.objects.filter(merchant=self.stage.merchant)
        return any(one.encode() in body for one in rows.values_list("number", flat=True) if one not in said)


def _text(said: Any) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def _user(client: Client) -> int:
    return int(client.session.get("_auth_user_id", 0))


@pytest.mark.parametrize("part", _PLAYED)
def test_everybody_else_at_every_address(
    wechat_process: RunningSimulator, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    generic, wrong, silent = Client.generic, list[str](), list[str]()
    mine = [key for key in sorted(CASES) if _has_roles(key[1])][part::_PARTS]
    for method, route in mine:
        # The stand-in knows nothing of rolling back: what one case paid would stand in the next one's statement.
        wechat_process.control("POST", "/reset", {})
        wechat_process.control("DELETE", "/faults")
        with rolled_back():
            others = Others(Stage(wechat_process), method, route, generic)

            def seeing(
                client: Client, asked: str, path: str, *arguments: Any, others: Others = others, **named: Any
            ) -> Any:
                route_of = f"/{resolve(path.partition('?')[0]).route}" if path.startswith("/") else ""
                if asked == others.method and route_of == others.route and not others.asked:
                    others.ask(client, path, arguments, named)
                return generic(client, asked, path, *arguments, **named)

            with monkeypatch.context() as watched:
                watched.setattr(Client, "generic", seeing)
                try:
                    CASES[method, route](others.stage)
                except Exception as error:
                    # What the others set off outside the database, a mail or a question to the channel, the case may meet.
                    if not others.asked:
                        wrong.append(f"{method} {route}: {type(error).__name__}: {error}"[:300])
            wrong += others.wrong
            if not others.asked:
                silent.append(f"{method} {route}")
    assert not wrong, "\n".join([*wrong, f"{len(wrong)} wrong"])
    assert not silent, silent
