"""Faults on order: a queue that names operation, order and number of times, and a seeded random mix."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from simulators.kit.reading import BadOrder, number, only, text, whole
from simulators.kit.store import Store

#: ``times`` of a fault that stays until it is cleared.
FOREVER = -1
#: What an order may say beside operation, fault, times and number: seconds, how many.
_PARAMETERS = {"delay_s": 400 * 86_400.0, "count": 100_000.0}


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One fault that can be ordered, described in both languages; ``code`` is the vendor's, where one is answered."""

    zh: str
    en: str
    code: str = ""


#: operation -> fault name -> what it does
Catalogue = Mapping[str, Mapping[str, FaultKind]]


class BadFault(BadOrder):
    """An order for a fault that does not exist or is malformed; says why."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One order for a fault. ``order_no`` also matches refund numbers; empty matches everything."""

    operation: str
    fault: str
    times: int = 1
    order_no: str = ""
    params: dict[str, object] = field(default_factory=dict)

    def number(self, name: str, default: float) -> float:
        """A numeric parameter of the order, e.g. ``delay_s``."""
        value = self.params.get(name, default)
        return float(value) if isinstance(value, int | float) else default


class FaultQueue:
    """Faults that wait for their operation. The queue and the mix survive a restart."""

    def __init__(self, *, store: Store, catalogue: Catalogue) -> None:
        self._store = store
        self.catalogue = catalogue
        self.injected: Counter[str] = Counter()
        self._tries: Counter[str] = Counter()
        saved = store.setting("faults", [])
        self.queue = [Fault(**entry) for entry in saved] if isinstance(saved, list) else []
        mix = store.setting("random_faults")
        self.mix: dict[str, object] | None = mix if isinstance(mix, dict) else None

    def order(self, body: Mapping[str, object]) -> None:
        """Take an order as it comes through the control API. Raises BadFault."""
        if "random" in body:
            self._order_mix(body["random"])
            return
        only(body, {"operation", "fault", "times", "order_no", "refund_no", *_PARAMETERS})
        operation, name = body.get("operation"), body.get("fault")
        if not isinstance(operation, str) or not isinstance(name, str) or name not in self.catalogue.get(operation, {}):
            known = {key: sorted(names) for key, names in self.catalogue.items()}
            raise BadFault(f"no fault {name!r} of operation {operation!r}; known: {known}")
        times = whole(body.get("times", 1), "times", least=FOREVER, most=1_000_000_000)
        if times == 0:
            raise BadFault("times must be a positive integer, or -1 for as long as it stands")
        params: dict[str, object] = {
            key: number(body[key], key, least=0, most=most) for key, most in _PARAMETERS.items() if key in body
        }
        order_no = text(body.get("order_no", body.get("refund_no")), "order_no", empty=True)
        self.queue.append(Fault(operation=operation, fault=name, times=times, order_no=order_no, params=params))
        self._save()

    def clear(self) -> None:
        """Forget the queue and the mix."""
        self.queue.clear()
        self._tries.clear()
        self.mix = None
        self._store.remember("random_faults", None)
        self._save()

    def take(self, operation: str, *numbers: str) -> Fault | None:
        """The fault for this call, if one is due; ``numbers`` are the order's and the refund's."""
        for fault in self.queue:
            if fault.operation == operation and (not fault.order_no or fault.order_no in numbers):
                if fault.times != FOREVER:
                    fault.times -= 1
                    if fault.times == 0:
                        self.queue.remove(fault)
                    self._save()
                return self._count(fault)
        return self._draw(operation, numbers) if self.mix is not None else None

    def take_all(self, operation: str) -> list[Fault]:
        """Every kind of fault queued for an operation, once each, whatever order it names: a bill may have several."""
        due = [fault for fault in self.queue if fault.operation == operation]
        for fault in due:
            if fault.times != FOREVER:
                fault.times -= 1
            self._count(fault)
        if due:
            self.queue = [fault for fault in self.queue if fault.times != 0]
            self._save()
        elif self.mix is not None:
            drawn = self._draw(operation, ())
            return [drawn] if drawn is not None else []
        return due

    def _draw(self, operation: str, numbers: Sequence[str]) -> Fault | None:
        """Decide by seed, operation, number and try, so that a seed means the same whatever arrives first."""
        mix = self.mix or {}
        names = [name for name in _texts(mix.get("faults")) if name in self.catalogue.get(operation, {})]
        if not names:
            return None
        subject = f"{operation}/{numbers[-1] if numbers else ''}"
        self._tries[subject] += 1
        digest = hashlib.sha256(f"{mix.get('seed')}/{subject}/{self._tries[subject]}".encode()).digest()
        rate = mix.get("rate", 0.1)
        if int.from_bytes(digest[:8], "big") / 2**64 >= (float(rate) if isinstance(rate, int | float) else 0.1):
            return None
        return self._count(Fault(operation=operation, fault=names[int.from_bytes(digest[8:16], "big") % len(names)]))

    def _order_mix(self, mix: object) -> None:
        if mix is None:
            self.mix = None
        elif not isinstance(mix, dict):
            raise BadFault("random must be an object {seed, rate, faults} or null")
        else:
            only(mix, {"seed", "rate", "faults"})
            every = {name for names in self.catalogue.values() for name in names}
            names, seed = mix.get("faults") or [], mix.get("seed", 0)
            if not isinstance(names, list) or not every.issuperset(str(name) for name in names):
                raise BadFault(f"faults must be a list of {sorted(every)}")
            if not isinstance(seed, int | str):
                raise BadFault("seed must be a number or text")
            rate = number(mix.get("rate", 0.1), "rate", least=0, most=1)
            self.mix = {"seed": seed, "rate": rate, "faults": _texts(names) or sorted(every)}
        self._tries.clear()
        self._store.remember("random_faults", self.mix)

    def _count(self, fault: Fault) -> Fault:
        self.injected[f"{fault.operation}.{fault.fault}"] += 1
        return fault

    def _save(self) -> None:
        self._store.remember("faults", [asdict(fault) for fault in self.queue])


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
