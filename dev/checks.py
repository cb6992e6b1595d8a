"""`make check`: everything that has to hold before a change lands, a line each, two at a time.

All steps run even when one fails; what a failed one said is shown at the end. `make check ARGS="mypy ruff"` chooses
steps by the beginning of their names. Started beside the embedded services, since Django wants to see its database.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_BIN = Path(sys.executable).parent
_PYTHON = (
    *("analytics", "api", "config", "core", "customer", "desk", "dev", "integrations", "invariants", "merchants"),
    *("payment_channels", "reconciliation", "refunds", "samples", "simulators", "terminals"),
    *("tests", "benchmarks", "clients/python/refunddesk", "manage.py"),
)
# What `check --deploy` and the compose file look at; the values are not secrets of anything.
_AS_IN_PRODUCTION = {
    "DEBUG": "false",
    "SECURE": "true",
    "BASE_URL": "https://refunds.example.com",
    "ALLOWED_HOSTS": "refunds.example.com",
    "CSRF_TRUSTED_ORIGINS": "https://refunds.example.com",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One check: a command that says nothing of interest when all is well."""

    name: str
    argv: Sequence[str]
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a step went."""

    step: Step
    passed: bool
    seconds: float
    output: str


def steps() -> list[Step]:
    """All checks, the slowest first so that the others run beside it."""
    sources = [name for name in _PYTHON if (_ROOT / name).exists()]
    templates = sorted(str(path.relative_to(_ROOT)) for path in (_ROOT / "templates").rglob("*.html"))
    return [
        Step(name="mypy", argv=[_tool("mypy"), *sources]),
        Step(name="ruff-format", argv=[_tool("ruff"), "format", "--check", "--quiet", *sources]),
        Step(name="ruff-check", argv=[_tool("ruff"), "check", "--quiet", *sources]),
        Step(name="imports", argv=[_tool("lint-imports"), "--no-cache"], env={"PYTHONPATH": "clients/python"}),
        Step(name="djade", argv=[_tool("djade"), "--check", "--target-version", "5.2", *templates]),
        Step(name="djlint", argv=[_tool("djlint"), "--lint", "--quiet", "templates"]),
        Step(name="migrations", argv=_manage("makemigrations", "--check", "--dry-run")),
        Step(name="states", argv=_manage("states", "--check")),
        Step(name="rights", argv=_manage("rights", "--check")),
        Step(name="translations", argv=[sys.executable, "-m", "dev.translations", "check"]),
        Step(name="deploy", argv=_manage("check", "--deploy", "--fail-level", "WARNING"), env=_AS_IN_PRODUCTION),
        Step(
            name="compose", argv=[*_compose(), "--file", "docker-compose.yml", "config", "--quiet"], env=_compose_env()
        ),
    ]


def main() -> int:
    """Run the chosen checks and tell how they went.

    Returns:
        0 if all passed.
    """
    chosen = [step for step in steps() if _wanted(step.name)]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        outcomes = []
        for outcome in pool.map(_run, chosen):
            outcomes.append(outcome)
            verdict = "ok    " if outcome.passed else "FAILED"
            sys.stdout.write(f"{verdict} {outcome.seconds:6.1f} s  {outcome.step.name}\n")
            sys.stdout.flush()
    failed = [outcome for outcome in outcomes if not outcome.passed]
    for outcome in failed:
        sys.stdout.write(f"\n--- {outcome.step.name}\n{outcome.output.strip()}\n")
    sys.stdout.write(f"\n{len(outcomes) - len(failed)} passed, {len(failed)} failed\n")
    return 1 if failed else 0


def _run(step: Step) -> Outcome:
    began = time.monotonic()
    try:
        done = subprocess.run(
            step.argv, cwd=_ROOT, env=os.environ | step.env, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        return Outcome(step=step, passed=False, seconds=0, output=f"{error.filename} is not installed")
    return Outcome(
        step=step,
        passed=done.returncode == 0,
        seconds=time.monotonic() - began,
        output=done.stdout + done.stderr,
    )


def _wanted(name: str) -> bool:
    return not sys.argv[1:] or any(name.startswith(wanted) for wanted in sys.argv[1:])


def _tool(name: str) -> str:
    return str(_BIN / name)


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]


def _compose() -> list[str]:
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False) if _docker() else None
    if plugin and plugin.returncode == 0:
        return ["docker", "compose"]
    if not shutil.which("docker-compose") and os.geteuid() == 0 and shutil.which("apt-get"):
        # A file of deployment that nobody has ever read is worth nothing, so the check is not left out.
        for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "docker-compose"]):
            quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(["apt-get", *arguments], env=quiet, capture_output=True, check=False)
    return ["docker-compose"]


def _docker() -> bool:
    return shutil.which("docker") is not None


def _compose_env() -> dict[str, str]:
    names = (
        *("SECRET_KEY", "PERSONAL_DATA_KEY", "SEARCH_KEY", "AUDIT_KEY", "REDIS_PASSWORD", "METRICS_TOKEN"),
        *("POSTGRES_SUPERUSER_PASSWORD", "POSTGRES_OWNER_PASSWORD", "POSTGRES_PASSWORD"),
    )
    return _AS_IN_PRODUCTION | dict.fromkeys(names, "a-value-for-the-check") | {"SMTP_HOST": "mail.example.com"}


if __name__ == "__main__":
    sys.exit(main())
