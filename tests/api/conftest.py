"""An API client with a key, and one with a browser session."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from merchants import api_keys
from merchants.models import KeyScope, Merchant, Staff
from merchants.principals import Principal, of_staff
from tests.factories import make_merchant, make_staff, of_api_key

_keys = itertools.count(1)


@dataclass
class Api:
    """Speaks JSON with a key; POSTs carry a fresh Idempotency-Key unless one is given."""

    key: str
    merchant: Merchant
    by: Principal

    def get(self, path: str, **query: Any) -> Any:
        return Client().get(f"/api/v1/{path}", query, headers=self._headers())

    def post(self, path: str, body: Any, *, idempotency_key: str | None = "", **headers: str) -> Any:
        if idempotency_key == "":
            idempotency_key = f"test-{next(_keys)}"
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        return Client().post(
            f"/api/v1/{path}", data, content_type="application/json", headers={**self._headers(), **headers}
        )

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def api_for(merchant: Merchant, *, scopes: list[str] | None = None, **options: Any) -> Api:
    maker = make_staff(merchant, "owner")
    row, key, _secret = api_keys.issue(
        merchant=merchant,
        name="till",
        scopes=scopes or list(KeyScope.values),
        by=of_staff(maker),
        at=timezone.now(),
        **{"all_stores": "store" not in options, **options},
    )
    return Api(key, merchant, of_api_key(row))


@pytest.fixture
def api(db: None) -> Api:
    return api_for(make_merchant())


@dataclass
class Session:
    """Staff in their browser: cookies, and the CSRF token they must send."""

    client: Client
    staff: Staff

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1/{path}")

    def post(self, path: str, body: Any = None, *, csrf: bool = True, key: str = "") -> Any:
        return self._send("POST", path, body, csrf=csrf, key=key)

    def put(self, path: str, body: Any) -> Any:
        return self._send("PUT", path, body)

    def _send(self, method: str, path: str, body: Any, *, csrf: bool = True, key: str = "") -> Any:
        token = "t" * 32
        self.client.cookies["csrftoken"] = token
        headers = {**({"X-CSRFToken": token} if csrf else {}), **({"Idempotency-Key": key} if key else {})}
        data: dict[str, Any] = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return self.client.generic(method, f"/api/v1/{path}", headers=headers, **data)


def session_for(staff: Staff) -> Session:
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return Session(client, staff)
