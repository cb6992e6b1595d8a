"""A day in an address: ``2026-11-22`` and nothing else."""

from datetime import date


class DayInPath:
    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        """A ``ValueError`` makes the address one that does not exist."""
        if not "2000" <= value[:4] <= "2100":
            raise ValueError(f"not a day: {value}")
        return date.fromisoformat(value)

    def to_url(self, value: date | str) -> str:
        return value if isinstance(value, str) else value.isoformat()
