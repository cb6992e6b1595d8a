"""The calls of `clients/python`, generated from the API's own document: `python -m dev.client`, where they are not up to date.

What keys may call is generated, and the shapes of that: a program has no session of staff.
"""

import base64
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
_VAR = _ROOT / "var" / "client"
REST = _ROOT / "clients" / "python" / "refunddesk" / "rest"
_CONFIG = _ROOT / "clients" / "python" / "generator.yml"
_STAMP = ".made-from"


def main() -> int:
    """Generate the calls, unless they were made from this very document.

    Returns:
        0 where they are there; else the generator has said why not.
    """
    _VAR.mkdir(parents=True, exist_ok=True)
    with (_VAR / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        text = json.dumps(for_keys(_document()), ensure_ascii=False, indent=1)
        made_from = hashlib.sha256(f"{version('openapi-python-client')}\n{_CONFIG.read_text()}\n{text}".encode())
        stamp = REST / _STAMP
        if stamp.exists() and stamp.read_text() == made_from.hexdigest():
            return 0
        (_VAR / "openapi.json").write_text(text, encoding="utf-8")
        made = _VAR / "rest"
        shutil.rmtree(made, ignore_errors=True)
        argv = [str(Path(sys.executable).with_name("openapi-python-client")), "generate", "--fail-on-warning"]
        argv += ["--path", str(_VAR / "openapi.json"), "--config", str(_CONFIG)]
        argv += ["--meta", "none", "--output-path", str(made), "--overwrite"]
        done = subprocess.run(argv, cwd=_VAR, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            sys.stderr.write(done.stdout + done.stderr)
            return 1
        (made / _STAMP).write_text(made_from.hexdigest())
        shutil.rmtree(REST, ignore_errors=True)
        made.rename(REST)
    return 0


def _document() -> dict[str, Any]:
    """The API's document in English, made in a process of its own: neither tables nor services are needed for it."""
    key = base64.b64encode(b"no key: nothing is kept or sent!").decode()
    env = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "nothing is kept, nothing is sent, so nothing is signed by this key",
        **dict.fromkeys(("PERSONAL_DATA_KEY", "SEARCH_KEY", "AUDIT_KEY"), key),
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECURE": "false",
        **os.environ,
    }
    argv = [sys.executable, "-c", _MAKE]
    done = subprocess.run(argv, cwd=_ROOT, env=env, stdout=subprocess.PIPE, check=True, timeout=600)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


_MAKE = """
import json, sys, django
django.setup()
from django.utils.translation import override
from drf_spectacular.generators import SchemaGenerator
with override("en"):
    json.dump(SchemaGenerator().get_schema(request=None, public=True), sys.stdout, default=str)
"""


def for_keys(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what keys may call, the shapes that it uses, and nothing that depends on where or when it was made."""
    paths = {
        path: {method: one for method, one in item.items() if {"apiKey": []} in one["security"]}
        for path, item in document["paths"].items()
    }
    kept = {path: item for path, item in paths.items() if item}
    shapes = document["components"]["schemas"]
    used: set[str] = set()
    waiting = list(_named(kept))
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting += _named(shapes[name])
    for item in kept.values():
        for operation in item.values():
            for form in operation.get("requestBody", {}).get("content", {}).values():
                form.pop("examples", None)  # of today
    given = {name: _open(shapes[name], shapes) if _is_given(name) else shapes[name] for name in shapes if name in used}
    return {
        "openapi": document["openapi"],
        "info": {"title": document["info"]["title"], "version": document["info"]["version"]},
        "paths": kept,
        "components": {**document["components"], "schemas": given},
    }


def _is_given(name: str) -> bool:
    return name.endswith("Out") or name in ("Problem", "FieldProblem")


def _open(part: Any, shapes: dict[str, Any]) -> Any:
    """A shape of answers with any text where it has a choice of today: there may be more of them tomorrow, and an installed
    client goes on working.
    """
    if isinstance(part, list):
        return [_open(one, shapes) for one in part]
    if not isinstance(part, dict):
        return part
    if len(part.get("allOf", ())) == 1:
        (only,) = part["allOf"]
        part = {name: text for name, text in part.items() if name != "allOf"} | only
    named = shapes.get(str(part.get("$ref", "")).rsplit("/", 1)[-1], {})
    choices = part.get("enum", named.get("enum"))
    if isinstance(choices, list):
        kept = {name: text for name, text in part.items() if name == "description"}
        kinds = {"null" if one is None else "string" for one in choices}
        return kept | {"type": kinds.pop() if len(kinds) == 1 else sorted(kinds)}
    return {name: _open(one, shapes) for name, one in part.items()}


def _named(part: Any) -> Iterator[str]:
    yield from re.findall(r'"#/components/schemas/(\w+)"', json.dumps(part))


if __name__ == "__main__":
    sys.exit(main())
