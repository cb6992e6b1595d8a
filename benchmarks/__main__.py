"""``python -m benchmarks [--json] [name ...]``: run measures and print them against their goals; exits 1 when one is missed.

``--json`` prints a line of JSON a figure, for ``benchmarks.baseline``.
"""

from __future__ import annotations

import json
import os
import sys

import django
from django.core.management import call_command

#: Measured in the run of another.
_PART_OF = {"memory": "e2e_10k"}


def main(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    names = [*dict.fromkeys(_PART_OF.get(name, name) for name in arguments if name != "--json")]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["LOG_LEVEL"] = "ERROR"
    django.setup()
    from benchmarks.measures import LONG_MEASURES, MEASURES, Figure  # noqa: PLC0415 - needs Django
    from benchmarks.records import empty  # noqa: PLC0415 - as above

    known = MEASURES | LONG_MEASURES
    unknown = set(names) - set(known)
    if unknown:
        print(f"no measure {', '.join(sorted(unknown))}; there are {', '.join([*known, *_PART_OF])}", file=sys.stderr)
        return 2
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    missed = 0

    def as_line(figure: Figure) -> str:
        sign = "<=" if figure.at_most else ">="
        verdict = "ok" if figure.reached else "MISSED"
        return f"{figure.name:20} {figure.value:9.2f}  {sign} {figure.goal:<6g} {verdict:7} {figure.detail}"

    def as_object(figure: Figure) -> str:
        shown = {"name": figure.name, "value": figure.value, "goal": figure.goal, "at_most": figure.at_most}
        return json.dumps({**shown, "reached": figure.reached, "detail": figure.detail}, ensure_ascii=False)

    for name in names or list(MEASURES):
        empty()
        for figure in known[name]():
            missed += not figure.reached
            print(as_object(figure) if as_json else as_line(figure), flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
