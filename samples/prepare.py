"""Bringing the demo's database and files up to date: `python -m samples.prepare`, started by dev.embedded.

One process for all three steps, because half of each would be Django's start; and it is started before the services are, so
that Django is loaded when they are ready. On its input a line says what is there by now: `services`, `stand-ins`. It prints
`begun` when the signs of earlier workers are gone, and `migrated` as soon as the web may start; then it goes on with the
sample data. A database that it may not migrate ends it with EX_CONFIG; the last line of its errors says why.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command

from core.audit import keys


def main() -> None:
    """Migrate, collect the static files, load the sample data."""
    django.setup()
    from config import health  # noqa: PLC0415 -- it has models, which are there only once Django is set up

    _wait_for("services")
    health.forget_beat()
    _say("begun")
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(os.EX_CONFIG)
    keys.refuse_another_key()
    _collect_static_if_changed()
    _say("migrated")
    _wait_for("stand-ins")
    call_command("load_demo", demo_json=str(settings.VAR_DIR / "demo.json"))


def _say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def _wait_for(what: str) -> None:
    said = sys.stdin.readline().strip()
    if said != what:
        # An empty line is the end: whoever started us is gone.
        sys.exit(f"expected to hear of the {what}, heard {said!r}")


def _collect_static_if_changed() -> None:
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    now = _fingerprint()
    if stamp.exists() and stamp.read_text() == now:
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(now)


def _fingerprint() -> str:
    digest = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            path = Path(storage.path(name))
            digest.update(f"{name} {path.stat().st_size} {path.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
