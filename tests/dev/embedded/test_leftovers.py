"""Processes are found by the folder of data they belong to, and only those are ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.embedded import leftovers
from dev.embedded.folders import Folders

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[3]
SLEEP = ["-c", "import time; print('here', flush=True); time.sleep(120)"]


@contextmanager
def process(*argv: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has begun."""
    with subprocess.Popen(
        argv, env=os.environ | environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "here\n"
        yield running
        running.kill()


@pytest.fixture
def var(tmp_path: Path) -> Path:
    folders = Folders(var=tmp_path / "var")
    folders.create()
    return folders.var


def status(var: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "dev.embedded", "status"],
        cwd=ROOT,
        env=os.environ | {"VAR_DIR": str(var)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_status_when_nothing_runs_says_so(var: Path) -> None:
    assert status(var) == (3, "not running\n")


def test_status_when_something_was_left_behind_tells_of_it(var: Path) -> None:
    with process(sys.executable, *SLEEP, **{leftovers.MARK: str(var)}) as left:
        code, said = status(var)
        assert f"pid {left.pid} " in said
        assert "not running, but 1 processes" in said
        assert code == 4


def test_end_leftovers_ends_those_of_this_folder_and_no_others(var: Path, tmp_path: Path) -> None:
    other = tmp_path / "var2"
    with (
        process(sys.executable, *SLEEP, **{leftovers.MARK: str(var)}) as ours,
        process(sys.executable, *SLEEP, **{leftovers.MARK: str(other)}) as theirs,
    ):
        assert leftovers.end_leftovers(var=var) == 1
        assert ours.wait(timeout=60) < 0
        assert theirs.poll() is None


def test_command_beside_the_demo_is_not_the_demos(var: Path) -> None:
    """What somebody runs in `make shell` must not be ended with the demo."""
    from dev.embedded import demo, only_one  # noqa: PLC0415

    folders = Folders(var=var)
    folders.environment.write_text(f'{{"{leftovers.MARK}": "{var}", "SEEN": "yes"}}')
    told = var / "told"
    code = (
        "import os, sys; open(sys.argv[1], 'w').write(f'{os.environ.get(sys.argv[2])} {os.environ.get(sys.argv[3])}')"
    )
    with only_one.only_one(folders=folders, web_port=1), pytest.MonkeyPatch.context() as patched:
        patched.setenv("VAR_DIR", str(var))
        assert demo.run_beside(argv=[sys.executable, "-c", code, str(told), "SEEN", leftovers.MARK]) == 0
    assert told.read_text() == "yes None"


def test_command_beside_the_demo_may_work_as_the_tables_owner(var: Path) -> None:
    """The demo's own processes do not know the owner's password; who loads or migrates by hand needs it."""
    from dev.embedded import demo, keys, only_one  # noqa: PLC0415

    folders = Folders(var=var)
    folders.environment.write_text('{"DATABASE_URL": "postgres://refunddesk:p@127.0.0.1:5432/refunddesk"}')
    told = var / "told"
    code = "import os, sys; open(sys.argv[1], 'w').write(os.environ['DATABASE_OWNER_URL'])"
    with only_one.only_one(folders=folders, web_port=1), pytest.MonkeyPatch.context() as patched:
        patched.setenv("VAR_DIR", str(var))
        assert demo.run_beside(argv=[sys.executable, "-c", code, str(told)]) == 0
    password = keys.kept(file=folders.secrets)["postgres_owner"]
    assert told.read_text() == f"postgres://refunddesk_owner:{password}@127.0.0.1:5432/refunddesk"


def test_holding_finds_a_program_by_its_locked_pid_file(var: Path) -> None:
    """As on systems that do not tell of their processes."""
    folders = Folders(var=var)
    (folders.run / "supervisord.pid").write_text("1")
    with_parent = str(ROOT / "dev/embedded/with_parent.py")
    pid_file = str(folders.pid_file(program="sleeper"))
    with process(sys.executable, "-I", "-S", with_parent, "SIGTERM", pid_file, sys.executable, *SLEEP) as sleeper:
        assert leftovers.holding(var=var) == [sleeper.pid]
    assert leftovers.holding(var=var) == []
