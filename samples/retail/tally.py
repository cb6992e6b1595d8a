"""Where every line of a file went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from samples.retail.lines import Kind, Line


@dataclass(slots=True)
class Tally:
    """Counts of lines by kind, and of bad ones by what is wrong with them. ``first_bad`` keeps a few as examples.

    ``on_credit_notes`` counts those that stand on a credit note, whatever they are, ``credited_fen`` what they say.
    """

    kinds: Counter[Kind] = field(default_factory=Counter)
    on_credit_notes: Counter[Kind] = field(default_factory=Counter)
    credited_fen: Counter[Kind] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    first_bad: list[Line] = field(default_factory=list)

    @property
    def lines(self) -> int:
        return sum(self.kinds.values())

    def watch(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Pass lines on and count them."""
        for line in lines:
            self.kinds[line.kind] += 1
            if line.invoice.startswith("C"):
                self.on_credit_notes[line.kind] += 1
                self.credited_fen[line.kind] += line.amount_fen
            if line.kind is Kind.BAD:
                self.reasons[line.why] += 1
                if len(self.first_bad) < 20:
                    self.first_bad.append(line)
            yield line
