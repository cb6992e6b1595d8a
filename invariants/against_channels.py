"""What we believe against what a channel has in its own books."""

from collections.abc import Iterable, Iterator

from django.db import connection

from invariants.breach import Breach
from refunds.states import BY_HAND


def paid_per_ledger(rows: Iterable[dict[str, object]]) -> Iterator[Breach]:
    """I4 and I7 against a simulator's ledger: every number at most once, and just what we call paid."""
    ledger: dict[str, int] = {}
    for row in rows:
        number, amount = str(row["refund_no"]), int(str(row["amount_fen"]))
        if number in ledger:
            yield Breach("I4", f"the channel paid {number} twice")
        ledger[number] = amount
    with connection.cursor() as cursor:
        # What a person paid stands in no channel's ledger.
        cursor.execute(
            "SELECT e.refund_no, e.amount_fen, e.state FROM refunds_execution e "
            "JOIN merchants_channelaccount a ON a.id = e.channel_account_id "
            # What its portal sent may have been settled here.
            "WHERE (e.sends > 0 OR e.proof_source IN ('query', 'notice')) AND a.channel <> ALL(%s)",
            [sorted(BY_HAND)],
        )
        ours = {number: (amount, state) for number, amount, state in cursor.fetchall()}
    for number, (amount, state) in ours.items():
        if state == "succeeded" and ledger.get(number) != amount:
            yield Breach("I7", f"{number}: we say {amount} fen were paid, the channel {ledger.get(number)}")
        if state == "failed" and number in ledger:
            yield Breach("I7", f"{number}: we say it failed, the channel paid")
    for number in ledger.keys() - ours.keys():
        yield Breach("I7", f"{number}: the channel paid what we do not know")
