"""``manage.py states``: writes docs/states.md from the state machine; ``--check`` fails when the page is not up to date."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from refunds.lifecycle import NEXT_STEP
from refunds.states import EDGES, IN_TRANSIT, OWNER, State

_PAGE = Path(settings.BASE_DIR) / "docs" / "states.md"


class Command(BaseCommand):
    help = "Write docs/states.md from refunds/states.py and refunds/lifecycle.py."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only compare")

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("en"):
            page = states_page()
        if options["check"]:
            if not _PAGE.exists() or _PAGE.read_text(encoding="utf-8") != page:
                raise CommandError("docs/states.md is not up to date: run `make states`")
            return
        _PAGE.parent.mkdir(exist_ok=True)
        _PAGE.write_text(page, encoding="utf-8")


def states_page() -> str:
    """The page as Markdown with a Mermaid diagram."""
    lines = [
        "# The states of a refund request",
        "",
        "Made by `make states` from `refunds/states.py` and `refunds/lifecycle.py`; `make check` fails when it drifts.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> submitted",
    ]
    for edge in EDGES:
        lines += [f"    {source.value} --> {edge.target.value}: {edge.transition}" for source in edge.sources]
    lines += ["    closed --> [*]", "    cancelled --> [*]", "```", ""]
    lines += ["| state | meaning | who owes the next move | next step |", "|---|---|---|---|"]
    lines += [f"| `{state.value}` | {state.label} | {OWNER[state].value} | {_next(state)} |" for state in State]
    lines += ["", "| transition | from | to | meaning |", "|---|---|---|---|"]
    for edge in EDGES:
        sources = ", ".join(f"`{source.value}`" for source in edge.sources)
        lines.append(f"| `{edge.transition}` | {sources} | `{edge.target.value}` | {edge.meaning} |")
    return "\n".join(lines) + "\n"


def _next(state: State) -> str:
    if state in NEXT_STEP:
        return f"task `{NEXT_STEP[state]}`"
    if state in IN_TRANSIT:
        return "passed through within one commit, never at rest"
    return "rests"
