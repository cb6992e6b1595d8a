"""Running a program as somebody other than root, because PostgreSQL refuses to be root.

Two ways, tried in this order:

1. A user namespace in which our root is called `nobody`. To the kernel the process is still the owner of its files, so
   the checkout may lie below folders that only root may enter (`/root`, mode 0700), and the data stays root's.
2. Where namespaces are forbidden (most containers): really becoming `nobody`, who takes the data over and keeps the one
   capability that lets it walk through closed folders.

Both tools belong to util-linux, which every Linux distribution counts as essential.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Must be in the password file: initdb asks for the name of the user it runs as.
_STAND_IN = "nobody"


class RootRefused(Exception):
    """We are root and have found no way to run a program as somebody else."""


@dataclass(frozen=True, kw_only=True)
class Launcher:
    """How to start a program that must not be root."""

    prefix: tuple[str, ...]
    # Who has to own the program's files, as seen by us; None: they stay as they are.
    owner: tuple[int, int] | None = None

    def command(self, *argv: str | Path) -> list[str]:
        """The full argument list for `argv`. It replaces itself by the program, so the pid is the program's."""
        return [*self.prefix, *(str(part) for part in argv)]

    def hand_over(self, *, folder: Path) -> None:
        """Give `folder` with all that is in it to the user the program runs as."""
        uid, gid = self.owner or (os.geteuid(), os.getegid())
        for path in (folder, *folder.rglob("*")):
            if path.lstat().st_uid != uid:
                os.chown(path, uid, gid, follow_symlinks=False)


def launcher() -> Launcher:
    """The way that works here.

    Raises:
        RootRefused: we are root and neither way is open.
    """
    if os.geteuid() != 0:
        return Launcher(prefix=())
    stand_in = pwd.getpwnam(_STAND_IN)
    uid, gid = stand_in.pw_uid, stand_in.pw_gid
    namespace = Launcher(prefix=("unshare", "--user", f"--map-user={uid}", f"--map-group={gid}", "--"))
    capability = "-all,+dac_override"
    dropped = Launcher(
        prefix=(
            "setpriv",
            f"--reuid={uid}",
            f"--regid={gid}",
            "--clear-groups",
            f"--inh-caps={capability}",
            f"--ambient-caps={capability}",
            f"--bounding-set={capability}",
            # Set again: changing the user makes the kernel forget it.
            "--pdeathsig=INT",
            "--",
        ),
        owner=(uid, gid),
    )
    for candidate in (namespace, dropped):
        if _works(candidate):
            return candidate
    raise RootRefused(
        "PostgreSQL cannot run as root, and this machine lets root neither make a user namespace (unshare) nor become "
        "another user (setpriv). Run this as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own."
    )


def _works(candidate: Launcher) -> bool:
    try:
        return subprocess.run(candidate.command("true"), capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
