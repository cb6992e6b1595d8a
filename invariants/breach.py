"""What every check gives."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Breach:
    """One row that breaks one invariant."""

    code: str
    what: str
