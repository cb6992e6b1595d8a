"""`make fuzz`: Schemathesis with all its checks, over every operation of the API's document, as everybody who may call.

Not part of `make test`: it installs from PyPI into var/peers, and takes minutes a caller.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from api import throttling
from merchants.models import KeyScope, Role
from refunds.models import RefundRequest
from refunds.payouts.loop import drain
from simulators.kit.testing import RunningSimulator
from terminals.models import Transaction
from tests.api.conftest import api_for
from tests.integrations.rig import make_endpoint
from tests.peers.environments import python_environment
from tests.walk.sandbox_cases import sandbox_key
from tests.walk.stage import Stage

_CONFIG = Path(__file__).with_suffix(".toml")
_CSRF = "t" * 32


def _key(stage: Stage) -> dict[str, str]:
    return {"Authorization": f"Bearer {stage.key}"}


def _narrow_key(stage: Stage) -> dict[str, str]:
    return {"Authorization": f"Bearer {api_for(stage.merchant, scopes=[KeyScope.ANALYTICS_READ]).key}"}


def _test_key(stage: Stage) -> dict[str, str]:
    sandbox_key(stage)
    return _key(stage)


def _session(role: Role) -> Callable[[Stage], dict[str, str]]:
    def headers(stage: Stage) -> dict[str, str]:
        session = stage.browser(role).cookies["sessionid"].value
        return {"Cookie": f"sessionid={session}; csrftoken={_CSRF}", "X-CSRFToken": _CSRF}

    return headers


_CALLERS: dict[str, Callable[[Stage], dict[str, str]]] = {
    "nobody": lambda _: {},
    "key": _key,
    "narrow-key": _narrow_key,
    "test-key": _test_key,
    **{role.value: _session(role) for role in Role},
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("caller", _CALLERS)
def test_api_when_everything_is_sent_to_it_answers_as_its_document_says(
    live_server: LiveServer,
    tmp_path: Path,
    wechat_process: RunningSimulator,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caller: str,
) -> None:
    settings.BASE_URL, settings.API_RATE_PER_10S = live_server.url, 1_000_000
    monkeypatch.setattr(throttling, "_UNKNOWN_KEYS", replace(throttling._UNKNOWN_KEYS, free=1_000_000))
    english = {"Accept-Language": "en"}
    stage = Stage(wechat_process)
    there = _things(stage)
    headers = _CALLERS[caller](stage)
    (tmp_path / "schemathesis.toml").write_text(_CONFIG.read_text() + _dictionaries(there))
    program = python_environment("schemathesis").with_name("schemathesis")
    document = Client().get("/api/schema", {"format": "json"}, headers=english)
    (tmp_path / "openapi.json").write_bytes(document.content)
    argv = [str(program), "run", "openapi.json", "--url", live_server.url, "--no-color"]
    argv += ["--max-examples", os.environ.get("FUZZ_EXAMPLES", "10"), "--seed", os.environ.get("SEED", "1")]
    argv += ["--phases", "examples,coverage,fuzzing", "--max-time", os.environ.get("FUZZ_S", "600")]
    argv += [part for name, value in {**headers, **english}.items() for part in ("-H", f"{name}: {value}")]
    if "Authorization" not in headers:
        # Nobody has nothing to leave out, and a session's cookie is in a header that is always sent: where this check leaves
        # out the document's own, the other still signs in. Calls without a session are tried by tests/api/test_walls.py.
        argv += ["--exclude-checks", "ignored_auth"]
    said = tmp_path / "said.txt"
    with said.open("w") as output:
        done = subprocess.run(argv, cwd=tmp_path, stdout=output, stderr=output, timeout=1_200, check=False)
    # What was approved has waited for a worker all that time.
    drain()
    assert done.returncode == 0, said.read_text()


def _things(stage: Stage) -> dict[str, list[Any]]:
    """Parts of addresses that lead somewhere, by name."""
    made = [stage.in_review(), stage.claimed(), stage.approved(), stage.asked_for_more(), stage.asked_for_goods()]
    made += [stage.failed(), stage.by_hand(), stage.paid()]
    return {
        "request_id": [str(one.pk) for one in RefundRequest.objects.filter(pk__in=[row.pk for row in made])],
        "transaction_id": [str(one.pk) for one in Transaction.objects.all()[:5]],
        "order_no": [one.order_no for one in Transaction.objects.all()[:2]],
        "batch_id": [stage.batch().pk],
        "endpoint_id": [make_endpoint(stage.merchant).pk],
        "draft_id": [stage.draft().pk],
    }


def _dictionaries(there: Mapping[str, list[Any]]) -> str:
    lines = []
    for name, values in there.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values)}"]
        lines += [f'[parameters."path.{name}"]', f'dictionary = "{name}"', "probability = 0.5"]
    return "\n".join(lines) + "\n"
