"""``python -m benchmarks [name ...]``: run measures and print them against their goals; exits 1 when one is missed."""

from __future__ import annotations

import os
import shutil
import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction


def main(names: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["LOG_LEVEL"] = "ERROR"
    django.setup()
    from benchmarks.measures import LONG_MEASURES, MEASURES  # noqa: PLC0415 - needs Django

    known = MEASURES | LONG_MEASURES
    unknown = set(names) - set(known)
    if unknown:
        print(f"no measure {', '.join(sorted(unknown))}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    missed = 0
    for name in names or list(MEASURES):
        # Rows of one measure must not slow the next.
        _empty()
        for figure in known[name]():
            sign = "<=" if figure.at_most else ">="
            verdict = "ok" if figure.reached else "MISSED"
            missed += not figure.reached
            print(
                f"{figure.name:20} {figure.value:9.2f}  {sign} {figure.goal:<6g} {verdict:7} {figure.detail}",
                flush=True,
            )
    return 1 if missed else 0


def _empty() -> None:
    """As the owner, who has to put the triggers to sleep first."""
    from core.database import logins, rights  # noqa: PLC0415 - needs Django

    with logins.as_owner(), transaction.atomic(), connection.cursor() as cursor:
        tables = [model._meta.db_table for model in rights.records()]
        for verb in ("DISABLE", "ENABLE"):
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} {verb} TRIGGER USER")
            if verb == "DISABLE":
                cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
    # A trail that begins anew has heads of its own.
    shutil.rmtree(settings.AUDIT_HEADS_DIR, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
