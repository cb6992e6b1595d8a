"""Every act of every page and every call, under the database role that it runs under in production, with real content.

A page that works for the tables' owner may be forbidden, or find nothing, for the role that serves it: COPY, TRUNCATE, temporary
tables, rows without a policy, locks on what may only be read. The walk does each act once and looks at what came of it.
"""

from __future__ import annotations

import pytest

from simulators.kit.testing import RunningSimulator
from tests.walk.cases import every_case
from tests.walk.roles import login_of_production
from tests.walk.stage import Stage

pytestmark = pytest.mark.django_db

CASES = every_case()
__all__ = ["login_of_production"]


@pytest.fixture
def stage(login_of_production: None, wechat_process: RunningSimulator) -> Stage:
    # Not the fixture that compares the ledgers at the end: some cases leave a difference open, as people may.
    wechat_process.control("POST", "/reset", {})
    wechat_process.control("DELETE", "/faults")
    return Stage(wechat_process)


@pytest.mark.parametrize("act", sorted(CASES), ids=" ".join)
def test_act_does_what_it_says_under_the_role_of_production(stage: Stage, act: tuple[str, str]) -> None:
    CASES[act](stage)
