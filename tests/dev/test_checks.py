"""What has to hold before a change lands."""

from __future__ import annotations

import sys

import pytest

from dev import checks


def test_every_check_has_a_name_of_its_own_and_names_programs_that_are_there() -> None:
    steps = checks.steps()
    names = [step.name for step in steps]
    assert len(names) == len(set(names))
    assert {"mypy", "ruff-check", "imports", "migrations", "translations"} <= set(names)


@pytest.mark.parametrize(("program", "passed"), [("", True), ("import sys; sys.exit('no')", False)])
def test_step_says_whether_it_passed_and_what_it_printed(program: str, *, passed: bool) -> None:
    outcome = checks._run(checks.Step(name="x", argv=[sys.executable, "-c", program]))
    assert (outcome.passed, outcome.output) == (passed, "" if passed else "no\n")


def test_step_whose_program_is_missing_fails_with_its_name() -> None:
    outcome = checks._run(checks.Step(name="x", argv=["no-such-program-here"]))
    assert (outcome.passed, outcome.output) == (False, "no-such-program-here is not installed")
