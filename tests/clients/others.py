"""`make other-clients`: what OpenAPI Generator makes of the API's document, unpatched, type-checked and run against a server.

Not part of `make test`: it installs from PyPI and npm into var/peers.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from tests import pictures
from tests.api.conftest import api_for
from tests.factories import make_account, make_merchant
from tests.integrations.rig import tell
from tests.peers.environments import node_environment, python_environment

_HERE = Path(__file__).resolve().parent


@pytest.mark.django_db(transaction=True)
def test_typescript_when_it_makes_all_calls_of_a_till_gets_what_it_asked_for(
    live_server: LiveServer, tmp_path: Path
) -> None:
    document = Client().get("/api/schema", {"format": "json"}, headers={"Accept-Language": "en"}).json()
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    python = python_environment("openapi-generator")
    argv = [
        str(python.with_name("openapi-generator-cli")),
        "generate",
        "--skip-validate-spec",
        "-g",
        "typescript-fetch",
    ]
    _run([*argv, "-i", "openapi.json", "-o", "client"], tmp_path)
    node, packages = node_environment("typescript")
    for name in ("conformance.ts", "tsconfig.json"):
        shutil.copy(_HERE / "typescript" / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")
    _run([str(node), "node_modules/typescript/bin/tsc", "-p", "."], tmp_path)
    merchant = make_merchant()
    make_account(merchant)
    for _ in range(2):
        tell(merchant)
    said = _run(
        [str(node), "js/conformance.js"],
        tmp_path,
        BASE=live_server.url,
        KEY=api_for(merchant).key,
        TILL=merchant.stores.get().terminals.get().code,
        PICTURE=base64.b64encode(pictures.encoded()).decode(),
    )
    assert "as its document says" in said


def _run(argv: Sequence[str], folder: Path, **env: str) -> str:
    done = subprocess.run(
        argv, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout
