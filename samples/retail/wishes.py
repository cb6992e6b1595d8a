"""From matched credit notes to refund requests.

A credit note becomes one request for every sale that it gives goods back to, with all their articles, and not one for every
line: a channel takes 50 partial refunds of a sale at most, a minute apart. What exceeds the sale is asked for by itself, so that
its refusal harms nothing else.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from refunds.states import Reason
from samples.retail.loader import SOURCE, order_no_of
from samples.retail.matching import Match, Part

#: The data calls its credit notes cancellations, and gives no other reason.
REASON = Reason.CUSTOMER_CANCELLED
#: The API takes this many articles in a request.
_MAX_ARTICLES = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """One refund request to submit. ``key`` is its Idempotency-Key: the same file asks for the same things once.

    ``of_lines`` are the numbers of the credit note's lines that it stands for.
    """

    key: str
    order_no: str
    amount_fen: int
    articles: tuple[tuple[str, int], ...]
    of_lines: tuple[int, ...]
    description: str

    def body(self) -> dict[str, object]:
        """As the API wants it."""
        return {
            "order_no": self.order_no,
            "amount_fen": self.amount_fen,
            "reason": REASON.value,
            "description": self.description,
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in self.articles],
            "customer_consent": True,
        }


def wishes(matches: Iterable[Match]) -> list[Wish]:
    """The requests for these matches, each after those of the same sale that came before it."""
    parts: dict[tuple[str, str], list[tuple[int, Part]]] = defaultdict(list)
    made: list[Wish] = []
    over: list[Wish] = []
    for match in matches:
        for part in match.parts:
            parts[match.line.invoice, part.invoice].append((match.line.number, part))
        if match.excess is not None:
            key = f"{SOURCE}/{match.line.invoice}/{match.line.sku}/{match.line.number}"
            over.append(_wish(key, match.line.invoice, [(match.line.number, match.excess)], " (over-return)"))
    for (credit_note, sale), chosen in parts.items():
        for number, some in enumerate(_chunks(chosen)):
            made.append(_wish(f"{SOURCE}/{credit_note}/{sale}/{number}", credit_note, some, ""))
    # Over-returns last: what they exceed must have been taken back before.
    return [*made, *over]


def chains(asked: Iterable[Wish]) -> list[list[Wish]]:
    """Requests by sale, in order: those of one sale go one after another, different sales side by side."""
    by_sale: dict[str, list[Wish]] = defaultdict(list)
    for wish in asked:
        by_sale[wish.order_no].append(wish)
    return list(by_sale.values())


def _chunks(chosen: Sequence[tuple[int, Part]]) -> Iterator[list[tuple[int, Part]]]:
    remaining = iter(chosen)
    while some := list(islice(remaining, _MAX_ARTICLES)):
        yield some


def _wish(key: str, credit_note: str, chosen: Sequence[tuple[int, Part]], remark: str) -> Wish:
    articles: Counter[str] = Counter()
    for _, part in chosen:
        articles[part.sku] += part.quantity
    return Wish(
        key=key,
        order_no=order_no_of(chosen[0][1].invoice),
        amount_fen=sum(part.quantity * part.price_fen for _, part in chosen),
        articles=tuple(articles.items()),
        of_lines=tuple(dict.fromkeys(number for number, _ in chosen)),
        description=f"{SOURCE}: credit note {credit_note}{remark}",
    )
