"""What clients were answered against what was stored: I10 and I11, for which the database alone is no witness."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from invariants.breach import Breach
from refunds.models import RefundRequest


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that a client saw to a POST under an idempotency key; ``request_id`` where it was a 2xx."""

    key: str
    status: int
    transaction_id: str
    amount_fen: int
    request_id: str = ""


def answers_against_requests(answers: Iterable[Answer], *, api_key_id: int, in_doubt: int = 0) -> Iterator[Breach]:
    """``answers`` are all that the users of one API key saw; ``in_doubt`` counts the keys that never had an answer.

    I10: a 2xx without exactly one request of that payload. I11: a request that no 2xx names, unless it is one in doubt.
    """
    made = {
        str(pk): (str(transaction_id), amount_fen)
        for pk, transaction_id, amount_fen in RefundRequest.objects.filter(api_key_id=api_key_id)
        .order_by("pk")
        .values_list("pk", "transaction_id", "amount_fen")
    }
    ids_of: dict[str, set[str]] = defaultdict(set)
    keys_of: dict[str, set[str]] = defaultdict(set)
    refused = set()
    for one in answers:
        if 200 <= one.status < 300:
            ids_of[one.key].add(one.request_id)
            keys_of[one.request_id].add(one.key)
            if made.get(one.request_id) != (one.transaction_id, one.amount_fen):
                yield Breach("I10", f"{one.key} was answered {one.request_id}: stored is {made.get(one.request_id)}")
        elif 400 <= one.status < 500:
            refused.add(one.key)
    for key, ids in ids_of.items():
        if len(ids) > 1:
            yield Breach("I10", f"{key} was answered {sorted(ids)}")
        if key in refused:
            yield Breach("I11", f"{key} was answered both a request and a refusal")
    for request_id, keys in keys_of.items():
        if len(keys) > 1:
            yield Breach("I10", f"{request_id} was answered to {sorted(keys)}")
    unanswered = sorted(made.keys() - keys_of.keys())
    if len(unanswered) > in_doubt:
        yield Breach("I11", f"{len(unanswered)} requests in no answer, {in_doubt} keys in doubt: {unanswered[:5]}")
