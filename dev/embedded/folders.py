"""Where the demo keeps what: one tree, never committed, put aside whole by `make reset-demo`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, kw_only=True)
class Folders:
    """The parts of `var/`."""

    var: Path

    @classmethod
    def of_this_checkout(cls) -> Folders:
        """`var/` beside the sources, or what VAR_DIR names."""
        return cls(var=Path(os.environ.get("VAR_DIR") or CHECKOUT / "var").resolve())

    @property
    def postgres(self) -> Path:
        """The database's cluster."""
        return self.var / "postgres"

    @property
    def valkey(self) -> Path:
        """The broker's append-only file."""
        return self.var / "valkey"

    @property
    def simulators(self) -> Path:
        """A folder for each stand-in channel: its ledger, its keys, its account.json."""
        return self.var / "simulators"

    @property
    def mailbox(self) -> Path:
        """Mails and text messages that were sent."""
        return self.var / "mailbox"

    @property
    def log(self) -> Path:
        """A file for each process."""
        return self.var / "log"

    @property
    def run(self) -> Path:
        """What only means something while the demo runs."""
        return self.var / "run"

    @property
    def lock(self) -> Path:
        """Held by the one process that may run a demo here."""
        return self.run / "demo.lock"

    def pid_file(self, *, program: str) -> Path:
        """Names the process of a program, and is locked while that runs (`with_parent.py`)."""
        return self.run / f"{program}.pid"

    @property
    def secrets(self) -> Path:
        """Passwords and keys, made at the first start; mode 0600."""
        return self.var / "secrets.json"

    @property
    def environment(self) -> Path:
        """What the running demo's processes have in their environment, for a command beside them; mode 0600."""
        return self.run / "environment.json"

    @property
    def prepared(self) -> Path:
        """What database and static files were made from at the last start."""
        return self.run / "prepared"

    @property
    def ports(self) -> Path:
        """The ports chosen at the first start."""
        return self.var / "ports.json"

    @property
    def demo_json(self) -> Path:
        """Addresses and logins for people and scripts; mode 0600, written by `manage.py load_demo`."""
        return self.var / "demo.json"

    def create(self) -> None:
        """Make those that are missing, closed to other users."""
        self.var.mkdir(parents=True, mode=0o700, exist_ok=True)
        for folder in (self.simulators, self.mailbox, self.log, self.run):
            folder.mkdir(mode=0o700, exist_ok=True)
