"""``python -m benchmarks.baseline REVISION [name ...]``: this tree's benchmarks beside another revision's, in turns.

Each run is a process of its own tree with a database and broker of its own, so that modules may have moved in between. Rounds
alternate, because the machine drifts by more than what is measured; the ratios of each round are compared, and their median
is told. Above 1 this tree is the faster one, or takes less.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = int(os.environ.get("ROUNDS", "3"))
WITHIN_S = 1_200
#: Below this a difference is more than the machine's noise.
NOISE = 0.97
#: What older revisions measure under another name.
_PART_OF = {"memory": "e2e_10k"}
#: A line as people read it, which is all that revisions without ``--json`` give.
_LINE = re.compile(r"^(?P<name>\w+)\s+(?P<value>[\d.]+)\s+(?P<sign><=|>=)\s+\S+\s+(?:ok|MISSED)\s*(?P<detail>.*)$")
_RATE = re.compile(r"^(\d+(?:\.\d+)?)/s")


@dataclass(frozen=True, slots=True)
class Value:
    """One figure of one run."""

    value: float
    less_is_better: bool


def main(argv: Sequence[str]) -> int:
    """Returns 1 when something is slower than noise explains, 2 when the revision or a run could not be had."""
    if not argv:
        print(__doc__, file=sys.stderr)
        return 2
    revision, names = (
        argv[0],
        [*dict.fromkeys(_PART_OF.get(name, name) for name in argv[1:] or ["intake", "execution"])],
    )
    try:
        with _worktree(revision) as other:
            return _compare(other, revision, names)
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(map(str, error.cmd))} ended with {error.returncode}\n{error.stderr or ''}", file=sys.stderr)
    except subprocess.TimeoutExpired as error:
        print(f"{' '.join(map(str, error.cmd))} took longer than {error.timeout:.0f} s", file=sys.stderr)
    return 2


@contextmanager
def _worktree(revision: str) -> Iterator[Path]:
    """A checkout of the revision beside this one, with this one's virtual environment; gone afterwards."""
    parent = Path(tempfile.mkdtemp(prefix="refunddesk-baseline-"))
    folder = parent / "tree"
    try:
        _git("worktree", "add", "--quiet", "--detach", str(folder), revision)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        yield folder
    finally:
        if folder.exists():
            # Only the link must go, never what it points to.
            (folder / ".venv").unlink(missing_ok=True)
            _git("worktree", "remove", "--force", str(folder))
        shutil.rmtree(parent, ignore_errors=True)


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)


def _compare(other: Path, revision: str, names: Sequence[str]) -> int:
    ratios: dict[str, list[float]] = defaultdict(list)
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for number in range(ROUNDS):
        for name in names:
            # Whoever goes first finds the machine as the round before left it: in turns.
            trees = (ROOT, other) if number % 2 == 0 else (other, ROOT)
            found = {tree: _run(tree, name) for tree in trees}
            new, old = found[ROOT], found[other]
            for figure in new.keys() & old.keys():
                if not new[figure].value or not old[figure].value:
                    continue
                ratio = (
                    old[figure].value / new[figure].value
                    if new[figure].less_is_better
                    else new[figure].value / old[figure].value
                )
                ratios[figure].append(ratio)
                pairs[figure].append((new[figure].value, old[figure].value))
            print(f"round {number + 1} of {ROUNDS}: {name}", file=sys.stderr, flush=True)
    print(f"{'':34} {'this':>10} {revision[:10]:>10} {'ratio':>7}  rounds")
    slower = 0
    for figure, found_ratios in sorted(ratios.items()):
        ratio = statistics.median(found_ratios)
        slower += ratio < NOISE
        news, olds = zip(*pairs[figure], strict=True)
        rounds = " ".join(f"{one:.2f}" for one in found_ratios)
        mark = "" if ratio >= NOISE else "  SLOWER"
        print(
            f"{figure:34} {statistics.median(news):10.2f} {statistics.median(olds):10.2f} {ratio:7.2f}  {rounds}{mark}"
        )
    return 1 if slower else 0


def _run(tree: Path, name: str) -> dict[str, Value]:
    """One benchmark of a tree, with all the processor time it cost: services, web, worker, stand-ins and loader together."""
    python = str(tree / ".venv/bin/python")
    speaks_json = "--json" in (tree / "benchmarks/__main__.py").read_text(encoding="utf-8")
    # Older revisions keep the services elsewhere.
    embedded = "dev.embedded" if (tree / "dev/embedded").exists() else "config.embedded"
    argv = [python, "-m", embedded, "test-services", "--durable", "--", python, "-m", "benchmarks"]
    argv += ["--json", name] if speaks_json else [name]
    before = os.times()
    done = subprocess.run(argv, cwd=tree, capture_output=True, text=True, check=False, timeout=WITHIN_S)
    after = os.times()
    # 1: a goal was missed, which is another question than this one.
    if done.returncode not in (0, 1):
        raise subprocess.CalledProcessError(done.returncode, argv, done.stdout, done.stderr[-4_000:])
    figures = _from_json(done.stdout) if speaks_json else _from_lines(done.stdout)
    if not figures:
        raise subprocess.CalledProcessError(done.returncode, argv, done.stdout, done.stderr[-4_000:])
    cpu_s = (after.children_user + after.children_system) - (before.children_user + before.children_system)
    return {**figures, f"{name}: CPU of the whole run, s": Value(cpu_s, less_is_better=True)}


def _from_json(text: str) -> dict[str, Value]:
    figures: dict[str, Value] = {}
    for line in text.splitlines():
        if line.startswith("{"):
            figure = json.loads(line)
            _add(figures, figure["name"], figure["value"], figure["detail"], less_is_better=figure["at_most"])
    return figures


def _from_lines(text: str) -> dict[str, Value]:
    figures: dict[str, Value] = {}
    for line in text.splitlines():
        if found := _LINE.match(line):
            _add(figures, found["name"], float(found["value"]), found["detail"], less_is_better=found["sign"] == "<=")
    return figures


def _add(figures: dict[str, Value], name: str, value: float, detail: str, *, less_is_better: bool) -> None:
    figures[name] = Value(value, less_is_better)
    if rate := _RATE.match(detail):
        # The value is a ratio to this machine's limits, which is rounded to two digits and drifts by itself.
        figures[f"{name}, a second"] = Value(float(rate[1]), less_is_better=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
