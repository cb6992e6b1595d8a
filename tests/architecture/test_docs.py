"""What the pages say about files, targets and counts is true."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
ADRS = sorted(path for path in (DOCS / "adr").glob("[0-9]*.md") if not path.name.startswith("0000"))
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTEXT.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(DOCS.glob("*.md")),
    *sorted((DOCS / "runbooks").glob("*.md")),
    *ADRS,
]
REQUIREMENTS = (DOCS / "requirements.md").read_text()

#: Made while running, or named as an example; never in the repository.
_NOT_KEPT = ("var/", ".venv/")
_TOP = {path.name for path in ROOT.iterdir() if path.name not in {"var", ".venv"}}


def _paths(text: str) -> set[str]:
    """What stands in backticks or behind a link and begins like a file or folder of the repository."""
    quoted = re.findall(r"`([^`\s]+)`", text) + re.findall(r"]\((?!https?:|#)([^)\s]+)\)", text)
    quoted += re.findall(r'src="(?!https?:)([^"]+)"', text)
    return {
        name.split("::")[0].rstrip(".,")
        for name in quoted
        if not name.startswith(_NOT_KEPT) and name.split("/")[0] in _TOP and re.fullmatch(r"[\w./-]+", name)
    }


def test_every_file_that_a_page_names_is_there() -> None:
    assert not [
        f"{page.relative_to(ROOT)}: {name}"
        for page in PAGES
        for name in _paths(page.read_text())
        if not (ROOT / name).exists() and not (page.parent / name).exists()
    ]


def test_every_link_between_pages_leads_somewhere() -> None:
    assert not [
        f"{page.relative_to(ROOT)}: {link}"
        for page in PAGES
        for link in re.findall(r"]\((?!https?:|#)([^)#\s]+)", page.read_text())
        if not (page.parent / link).exists()
    ]


def _rows() -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in REQUIREMENTS.splitlines()
        if re.match(r"\| R\d+ \|", line)
    ]


def test_every_requirement_stands_once_and_in_order() -> None:
    assert [row[0] for row in _rows()] == [f"R{number}" for number in range(1, 126)]


def test_every_requirement_has_a_known_state_and_the_count_is_right() -> None:
    states = Counter(row[2] for row in _rows())

    told = re.search(r"^(\d+) done, (\d+) partly, (\d+) not yet, of 125", REQUIREMENTS, re.MULTILINE)
    assert told is not None
    assert states == Counter({"done": int(told[1]), "partly": int(told[2]), "not yet": int(told[3])})


def test_what_is_done_says_where_and_names_a_test_or_a_benchmark() -> None:
    unproven = [
        row[0] for row in _rows() if row[2] == "done" and not (row[3] and ("tests/" in row[4] or "bench" in row[3]))
    ]

    assert not unproven


def test_what_is_there_in_part_says_what_is_missing() -> None:
    assert not [row[0] for row in _rows() if row[2] == "partly" and not row[3]]


def test_every_decision_is_in_the_index_once_under_its_own_title() -> None:
    index = (DOCS / "adr" / "README.md").read_text()
    rows = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \|$", index, re.MULTILINE)

    titles = [(path.name[:4], path.name, path.read_text().splitlines()[0].removeprefix("# ")) for path in ADRS]
    assert [(number, name, f"{number}. {title}") for number, name, title in rows] == titles


@pytest.mark.parametrize("adr", ADRS, ids=lambda adr: adr.name)
def test_every_decision_has_the_form(adr: Path) -> None:
    headings = re.findall(r"^## (.+)$", adr.read_text(), re.MULTILINE)

    assert [heading for heading in headings if heading != "Considered"] == [
        "Why it came up",
        "Decision",
        "Consequences",
    ]
    assert re.search(r"^Status: (accepted|replaced by \d{4}) · Date: \d{4}-\d{2}-\d{2}$", adr.read_text(), re.MULTILINE)


def test_decisions_that_the_code_refers_to_exist() -> None:
    numbers = {adr.name[:4] for adr in ADRS}
    folders = (
        *("analytics", "api", "benchmarks", "config", "core", "customer", "desk", "dev", "invariants", "merchants"),
        *("payment_channels", "reconciliation", "refunds", "samples", "simulators", "terminals"),
    )
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    files += [ROOT / "pyproject.toml", ROOT / "Makefile"]

    named = {number for path in files for number in re.findall(r"docs/adr/(\d{4})", path.read_text())}
    assert named <= numbers


def test_targets_that_pages_name_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    named = {target for page in PAGES for target in _targets(page.read_text())}
    assert named
    assert named <= targets


def _targets(text: str) -> set[str]:
    """``make x`` in backticks or at the start of an indented line; prose may make what it likes."""
    inline = re.findall(r"`(?:[A-Z]+=\S+ )?make ([a-z-]+)[^`]*`", text)
    return {*inline, *re.findall(r"^    (?:[A-Z]+=\S+ )?make ([a-z-]+)", text, re.MULTILINE)}


def test_settings_that_operations_explains_are_settings() -> None:
    settings = (ROOT / "config" / "settings.py").read_text()
    table = (DOCS / "operations.md").read_text().split("## Settings")[1].split("## What to watch")[0]

    named = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", table))
    read = set(re.findall(r"env\.\w+\(\s*[\"']([A-Z0-9_]+)[\"']", settings))
    assert named <= read
    assert read - named <= {"DEBUG", "FAILPOINTS", "EMAIL_BACKEND"}


def test_way_of_an_amount_is_at_most_fourteen_files_and_each_has_what_the_page_says() -> None:
    way = (DOCS / "architecture.md").read_text().partition("## The way of `amount_fen`")[2]
    rows = re.findall(r"^\| \d+ \| `([^`]+)` \| (.+) \|$", way, re.MULTILINE)

    names = {
        file: [re.split(r"[.(]", name)[-1 if "(" not in name else 0] for name in re.findall(r"`([^`]+)`", said)]
        for file, said in rows
    }
    missing = [
        f"{file}: {name}" for file, said in names.items() for name in said if name not in (ROOT / file).read_text()
    ]

    assert 10 <= len(rows) <= 14
    assert not missing


def test_where_x_lives_has_twenty_answers_of_one_file_each() -> None:
    asked = (DOCS / "architecture.md").read_text().partition("## Where does X live")[2].partition("## ")[0]
    answers = re.findall(r"<summary>\d+\. [^<]+\?</summary>\n\n`([^`]+)`\n</details>", asked)

    assert len(answers) == len(set(answers)) == 20
    assert [name for name in answers if not (ROOT / name).is_file()] == []
