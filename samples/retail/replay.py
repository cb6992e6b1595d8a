"""Submitting a file's credit notes through the REST API, and telling what became of each line of them."""

from __future__ import annotations

import csv
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from merchants.models import Merchant
from refunds.states import State
from samples.retail.client import Answer, Client
from samples.retail.lines import Kind
from samples.retail.loader import SOURCE
from samples.retail.matching import LOST, Match, Matched
from samples.retail.wishes import Wish, chains
from terminals.models import Transaction

#: Where a request still moves by itself; one that needs a person rests, and so does one that the channel keeps.
_MOVING = frozenset({State.APPROVED, State.EXECUTING, State.UNKNOWN})
_POLL_S = 3.0


@dataclass(slots=True)
class Submitted:
    """A wish with the API's answer, and the state the request is in since."""

    wish: Wish
    answer: Answer
    state: str = ""

    @property
    def outcome(self) -> str:
        """In words: the state of an accepted request, the reason of a refused one."""
        if self.answer.is_accepted:
            return self.state
        if self.answer.is_refused:
            return f"refused: {self.answer.code}"
        return f"error: {self.answer.status or ''} {self.answer.code}".replace("  ", " ")


@dataclass(slots=True)
class Replayed:
    """Everything that was submitted, by the credit note lines it stands for."""

    submitted: list[Submitted] = field(default_factory=list)

    def by_line(self) -> Mapping[int, list[Submitted]]:
        found: dict[int, list[Submitted]] = defaultdict(list)
        for one in self.submitted:
            for number in one.wish.of_lines:
                found[number].append(one)
        return found

    @property
    def repeats(self) -> int:
        """Requests that an earlier run had submitted: the API gave its first answer again."""
        return sum(one.answer.replayed for one in self.submitted)

    @property
    def moving(self) -> list[Submitted]:
        return [one for one in self.submitted if one.state in _MOVING]


def payments(*, merchant: Merchant, wishes: Iterable[Wish]) -> Iterator[Mapping[str, object]]:
    """The payments that are to be refunded, as a stand-in channel is told of them."""
    sales = Transaction.objects.filter(
        merchant=merchant, source=SOURCE, order_no__in={wish.order_no for wish in wishes}
    )
    for order_no, number, amount_fen, paid_at in sales.order_by("pk").values_list(
        "order_no", "channel_transaction_no", "amount_fen", "paid_at"
    ):
        yield {
            "order_no": order_no,
            "transaction_no": number,
            "amount_fen": amount_fen,
            "paid_at": paid_at.isoformat(timespec="seconds"),
        }


def submit_all(asked: Sequence[Wish], *, client: Client, width: int, progress: Callable[[int], None]) -> Replayed:
    """Submit every request, ``width`` sales at a time. ``progress`` hears the number answered so far."""
    replayed = Replayed()
    with ThreadPoolExecutor(max_workers=width, thread_name_prefix="replay") as pool:
        for answered in pool.map(lambda chain: _submit_chain(chain, client), chains(asked)):
            replayed.submitted += answered
            progress(len(replayed.submitted))
    return replayed


def _submit_chain(chain: Sequence[Wish], client: Client) -> list[Submitted]:
    answered = [Submitted(wish, client.submit(wish)) for wish in chain]
    for one in answered:
        one.state = str(one.answer.body.get("state", "")) if one.answer.is_accepted else ""
    return answered


def follow(replayed: Replayed, *, client: Client, for_s: float, progress: Callable[[int], None]) -> None:
    """Look at the requests until none moves any more, or the time is over. ``progress`` hears how many still move.

    It takes minutes where a sale has several refunds: WeChat Pay wants one between two of them.
    """
    accepted = {str(one.answer.body["id"]): one for one in replayed.submitted if one.answer.is_accepted}
    if not accepted:
        return
    since = min((str(one.answer.body["created_at"]) for one in accepted.values()), key=datetime.fromisoformat)
    until, before = time.monotonic() + for_s, -1
    while True:
        for request_id, state in client.states_since(since):
            if request_id in accepted:
                accepted[request_id].state = state
        moving = len(replayed.moving)
        if moving != before:
            progress(moving)
        before = moving
        if not moving or time.monotonic() >= until:
            return
        time.sleep(_POLL_S)


#: What the credit notes give above what was paid for the pieces.
CAPPED = "capped at what was paid"


@dataclass(slots=True)
class Row:
    """One line of the summary: so many credit note lines, requests and fen with this outcome. ``capped_lines`` have an outcome
    besides: these fen of them were above what was paid, and nobody asked for them.
    """

    outcome: str
    lines: int = 0
    requests: int = 0
    amount_fen: int = 0
    capped_lines: int = 0


def summary(matched: Matched, replayed: Replayed) -> list[Row]:
    """Every credit note line of the file under exactly one outcome, the most frequent first, and every penny of it once:
    the rows' fen are what the credit notes say.
    """
    rows: dict[str, Row] = {}
    by_line = replayed.by_line()
    for match in matched.matches:
        outcome = outcome_of(match, by_line)
        row = rows.setdefault(outcome, Row(outcome))
        row.lines += 1
        if match.found in LOST:
            row.amount_fen += match.line.amount_fen
    for kind, count in left_out(matched).items():
        outcome = f"left out: {kind.value.replace('_', ' ')}"
        rows[outcome] = Row(outcome, count, amount_fen=matched.tally.credited_fen[kind])
    if capped := [match.capped_fen for match in matched.matches if match.capped_fen]:
        rows[CAPPED] = Row(CAPPED, amount_fen=sum(capped), capped_lines=len(capped))
    for one in replayed.submitted:
        row = rows.setdefault(one.outcome, Row(one.outcome))
        row.requests += 1
        row.amount_fen += one.wish.amount_fen
    return sorted(rows.values(), key=lambda row: (-row.lines, row.outcome))


def outcome_of(match: Match, by_line: Mapping[int, Sequence[Submitted]]) -> str:
    """What became of one line; of a line that several requests stand for, all of it."""
    if match.found in LOST:
        return match.found.value
    outcomes = dict.fromkeys(one.outcome for one in by_line.get(match.line.number, ()))
    return " + ".join(sorted(outcomes)) or "not submitted"


def left_out(matched: Matched) -> Counter[Kind]:
    """Lines of credit notes that ask for no goods' money: codes that are no goods, repeats, bad ones."""
    counts = Counter(matched.tally.on_credit_notes)
    del counts[Kind.CREDIT_NOTE]
    return counts


_REPORT = (
    *("line", "credit_note", "stock_code", "quantity", "price_fen", "customer", "match", "outcome"),
    *("sale", "request", "request_amount_fen", "status", "code", "capped_fen"),
)


def write_report(file: Path, matched: Matched, replayed: Replayed) -> None:
    """One row for every credit note line and request of it."""
    by_line = replayed.by_line()
    with file.open("w", encoding="utf-8", newline="") as stream:
        write = csv.writer(stream).writerow
        write(_REPORT)
        for match in matched.matches:
            line = match.line
            start = (line.number, line.invoice, line.sku, line.quantity, line.price_fen, line.customer)
            for one in by_line.get(line.number, ()):
                number = one.answer.body.get("number", "") if one.answer.is_accepted else ""
                end = (
                    one.wish.order_no,
                    number,
                    one.wish.amount_fen,
                    one.answer.status,
                    one.answer.code,
                    match.capped_fen,
                )
                write((*start, match.found.value, one.outcome, *end))
            if line.number not in by_line:
                write((*start, match.found.value, outcome_of(match, by_line), "", "", "", "", "", match.capped_fen))
