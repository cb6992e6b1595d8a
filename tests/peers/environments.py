"""A throw-away environment for each peer under var/peers/, brought to its lock. Standard library only.

Every package has its own: two Alipay packages of PyPI overwrite each other's files, and none may meet the product's.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = Path(__file__).resolve().parent / "locks"
HOME = ROOT / "var" / "peers"
INSTALL_S = 400
#: zlib.crc32, with which a bill's archive is checked.
NODE_MINIMUM = (20, 15)


class NotInstalled(RuntimeError):
    """An environment could not be made; carries what the installer said."""


def python_environment(name: str) -> Path:
    """The interpreter of a virtual environment that has exactly ``locks/<name>.txt``. Raises NotInstalled."""
    lock, home = LOCKS / f"{name}.txt", HOME / name
    python = home / "bin" / "python"
    if not _is_current(home, [lock]):
        _announce(name)
        shutil.rmtree(home, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(home)])
        pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
        _run([*pip, "--no-deps", "--require-hashes", "-r", str(lock)])
        _stamp(home, [lock])
    return python


def node_environment(name: str) -> tuple[Path, Path]:
    """Node.js, and the folder whose node_modules are exactly those of ``locks/<name>/``. Raises NotInstalled."""
    node, npm = _node()
    locks, home = [LOCKS / name / file for file in ("package.json", "package-lock.json")], HOME / name
    if not _is_current(home, locks):
        _announce(name)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        for lock in locks:
            shutil.copy(lock, home)
        npm_ci = [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        _run(npm_ci, cwd=home, environment=_npm_environment(node))
        _stamp(home, locks)
    return node, home


def _node() -> tuple[Path, Path]:
    """The machine's Node.js and npm if they are new enough, else those of a wheel."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=20).stdout
        major, minor, *_ = (*said.strip().removeprefix("v").split("."), "0", "0")
        if major.isdecimal() and minor.isdecimal() and (int(major), int(minor)) >= NODE_MINIMUM:
            return Path(node), Path(npm)
    folder = python_environment("node").parent
    return folder / "node", folder / "npm"


def _npm_environment(node: Path) -> dict[str, str]:
    """npm finds this Node.js first, and trusts whom this machine trusts: a wheel's Node.js only has its own list."""
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    authorities = ssl.get_default_verify_paths().cafile
    if authorities:
        environment.setdefault("NODE_EXTRA_CA_CERTS", authorities)
    return environment


def _is_current(home: Path, locks: list[Path]) -> bool:
    stamp = home / "installed"
    return stamp.exists() and stamp.read_text() == _digest(locks)


def _stamp(home: Path, locks: list[Path]) -> None:
    (home / "installed").write_text(_digest(locks))


def _digest(locks: list[Path]) -> str:
    return hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()


def _announce(name: str) -> None:
    sys.stdout.write(f"installing {name} into {(HOME / name).relative_to(ROOT)}\n")
    sys.stdout.flush()


def _run(argv: list[str], *, cwd: Path | None = None, environment: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            argv, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=INSTALL_S
        )
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(f"{argv[0]}: not done after {INSTALL_S} s") from error
    if done.returncode:
        raise NotInstalled(f"{' '.join(argv[:4])}: {(done.stderr or done.stdout).strip()[-1500:]}")
