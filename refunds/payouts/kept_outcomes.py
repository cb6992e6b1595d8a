"""What a channel said of a refund, as it is kept with its notice, and read again."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from payment_channels.contract import Done, Outcome, PaidTo, Refused, Retry, SecondLeg, Unknown

_INSTANTS = ("succeeded_at", "arrives_at")
_KINDS: dict[str, type[Done | Refused | Unknown]] = {"done": Done, "refused": Refused, "unknown": Unknown}


def as_json(outcome: Outcome) -> dict[str, Any]:
    kind = type(outcome).__name__.lower()
    fields = {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(outcome).items()
    }
    return {"kind": kind, **fields}


def from_json(data: Mapping[str, Any]) -> Outcome:
    fields = dict(data)
    kind = _KINDS[fields.pop("kind")]
    if kind is Done:
        fields |= {name: datetime.fromisoformat(fields[name]).astimezone(UTC) for name in _INSTANTS if fields.get(name)}
        fields["paid_to"], fields["second_leg"] = (
            PaidTo(fields.get("paid_to", "")),
            SecondLeg(fields.get("second_leg", "")),
        )
    if kind is Refused:
        fields["retry"] = Retry(fields["retry"])
    return kind(**fields)
