"""`make other-clients`: what OpenAPI Generator makes of the API's document, unpatched, type-checked and run against a server.

Not part of `make test`: it installs from PyPI and npm into var/peers, and for Java wants a JDK of 17 or newer with two libraries
of the machine's. Jackson stands in the generator's own archive.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from tests import pictures
from tests.api.conftest import api_for
from tests.factories import make_account, make_merchant
from tests.faults.house import house
from tests.integrations.rig import tell
from tests.peers.environments import node_environment, python_environment

_HERE = Path(__file__).resolve().parent
_JARS = Path(os.environ.get("JAVA_LIBRARIES", "/usr/share/java"))
_LIBRARIES = ("httpmime.jar", "geronimo-annotation-1.3-spec.jar")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    """The address of a web as in production: the tests' own server reads no body in chunks, in which Java sends files."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    with house(database_url=urlunsplit(url), redis_url=settings.REDIS_URL, folder=tmp_path) as home:
        home.web()
        yield home.base_url


def test_typescript_when_it_makes_all_calls_of_a_till_gets_what_it_asked_for(base: str, tmp_path: Path) -> None:
    _generate(tmp_path, "typescript-fetch")
    node, packages = node_environment("typescript")
    for name in ("conformance.ts", "tsconfig.json"):
        shutil.copy(_HERE / "typescript" / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")
    _run([str(node), "node_modules/typescript/bin/tsc", "-p", "."], tmp_path)
    assert "as its document says" in _run([str(node), "js/conformance.js"], tmp_path, **_shop(base))


def test_java_when_it_makes_all_calls_of_a_till_gets_what_it_asked_for(base: str, tmp_path: Path) -> None:
    missing = [name for name in _LIBRARIES if not (_JARS / name).exists()]
    assert shutil.which("javac"), "a JDK is needed"
    assert not missing, (
        f"{_JARS}/{{{','.join(_LIBRARIES)}}} are needed; on Debian: "
        "apt-get install libhttpmime-java libgeronimo-annotation-1.3-spec-java"
    )
    # Whether a field is there is told by null: the wrapper that says more needs a library that neither has.
    generator = _generate(tmp_path, "java", "--library", "native", "--additional-properties", "openApiNullable=false")
    (jackson,) = generator.parent.parent.glob("lib/python*/site-packages/openapi_generator_cli/openapi-generator.jar")
    path = os.pathsep.join(map(str, [jackson, *(_JARS / name for name in _LIBRARIES), tmp_path / "classes"]))
    sources = [str(one) for one in (tmp_path / "client" / "src" / "main").rglob("*.java")]
    sources.append(str(_HERE / "java" / "Conformance.java"))
    (tmp_path / "sources").write_text("\n".join(sources))
    compiler = ["javac", "-nowarn", "-proc:none", "-encoding", "UTF-8", "-cp", path, "-d", "classes", "@sources"]
    _run(compiler, tmp_path)
    assert "as its document says" in _run(["java", "-cp", path, "Conformance"], tmp_path, **_shop(base))


def _generate(folder: Path, language: str, *options: str) -> Path:
    """The client in ``folder``/client; the generator that made it."""
    document = Client().get("/api/schema", {"format": "json"}, headers={"Accept-Language": "en"}).json()
    (folder / "openapi.json").write_text(json.dumps(document))
    generator = python_environment("openapi-generator").with_name("openapi-generator-cli")
    argv = [str(generator), "generate", "--skip-validate-spec", "-i", "openapi.json", "-o", "client", "-g", language]
    _run([*argv, *options], folder)
    return generator


def _shop(base: str) -> dict[str, str]:
    """What a client is told: a shop with two events in its feed."""
    merchant = make_merchant()
    make_account(merchant)
    for _ in range(2):
        tell(merchant)
    return {
        "BASE": base,
        "KEY": api_for(merchant).key,
        "TILL": merchant.stores.get().terminals.get().code,
        "PICTURE": base64.b64encode(pictures.encoded()).decode(),
    }


def _run(argv: Sequence[str], folder: Path, **env: str) -> str:
    done = subprocess.run(
        argv, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout
