"""What every payment channel adapter promises to the journey.

An adapter is asked to move money and answers with one of three outcomes, never with an exception:

* ``Done``: the channel has proven that the money moved;
* ``Refused``: the channel has proven that it did not and will not move under this request;
* ``Unknown``: everything else (time-out, reset, 5xx, garbage, a bad signature, "processing").

An unknown outcome is queried, never sent again under another number.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import BinaryIO, Protocol, Self, runtime_checkable


class Retry(StrEnum):
    """What may be done with the refund number after a refusal."""

    SAME_NUMBER = "same_number"  # send the same request again under the same number
    LATER = "later"  # the same number, by itself after a while, and not without end
    AFTER_TOP_UP = "after_top_up"  # the same number, once the account is funded
    AFTER_MENDING = "after_mending"  # the same number, once the account's keys or permissions are put right
    NEW_NUMBER = "new_number"  # the number is spent: a further attempt needs a new one
    NEVER = "never"  # a person must change something first


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """One refund as the channel is asked for it. Amounts in fen, instants aware.

    ``refund_no`` is ours, stored before anything is sent and reused for every attempt.
    ``channel_transaction_no`` and ``order_no`` name the sale at the channel and at the shop. A sale is named by the first of
    ``channel_transaction_no``, ``payment_no`` and ``order_no`` that is known: ``payment_no`` is the number under which the shop
    sent this payment to the channel, where that is not the order's own (``DB-77-02``, the second attempt of order ``DB-77``).
    ``reason`` is what the payer reads.

    ``first_sent_at`` is stored together with ``refund_no`` before the first attempt and stays the same for
    every later one: UnionPay's ``txnTime`` is made of it and is part of its key.
    ``maybe_received`` is true when an earlier send under this number may have reached the channel: it was sent,
    and no query later than the profile's ``query_lag_s`` has denied it. A refusal then speaks of this attempt
    only, and the adapter answers ``Unknown`` unless the same number may be sent again anyway.
    """

    refund_no: str
    channel_transaction_no: str
    order_no: str
    amount_fen: int
    paid_fen: int
    paid_at: datetime
    reason: str
    notify_url: str
    first_sent_at: datetime | None = None
    maybe_received: bool = False
    payment_no: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReference:
    """What is needed to ask for the state of a refund that may or may not have reached the channel.

    ``sent_at`` is the instant of the *first* send, ``RefundOrder.first_sent_at``; the sale is named as there.
    """

    refund_no: str
    channel_transaction_no: str
    order_no: str
    amount_fen: int
    sent_at: datetime | None
    payment_no: str = ""


class PaidTo(StrEnum):
    """Where a channel says that the money went."""

    UNSAID = ""
    ORIGINAL = "original"  # back to what paid
    BALANCE = "balance"  # the payer's balance at the channel
    OTHER_BALANCE = "other_balance"  # a balance of the payer's that did not pay
    OTHER_CARD = "other_card"  # a card of the payer's that did not pay
    MERCHANT = "merchant"  # back with the merchant: the customer does not have it


class SecondLeg(StrEnum):
    """What became of the way from the channel to the payer's bank."""

    NONE = ""  # there is none, or none that the channel speaks of
    PENDING = "pending"  # ask again later
    DONE = "done"
    FAILED = "failed"  # the bank did not take it: the money lies in the payer's balance at the channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The money moved: ``amount_fen`` under ``refund_no``, at ``succeeded_at`` by the channel's clock.

    ``arrives_at`` is when the payer's bank has it, or will have it, where the channel says so; ``payer_fen`` what of the amount
    the payer got, the rest being a coupon's.
    """

    refund_no: str
    channel_refund_no: str
    amount_fen: int
    succeeded_at: datetime
    payer_fen: int | None = None
    received_account: str = ""  # masked by the channel, e.g. 招商银行信用卡0403
    paid_to: PaidTo = PaidTo.UNSAID
    second_leg: SecondLeg = SecondLeg.NONE
    arrives_at: datetime | None = None
    raw: str = ""  # the message that proves it, as received


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Proven not moved. ``code`` is the channel's own; ``retry`` says what may be done next.

    ``throttled`` marks a refusal that only means "slow down" (429). ``then``, of ``NEW_NUMBER``: the refusal was for the moment
    (``LATER``, ``AFTER_TOP_UP``, ``AFTER_MENDING``), so that the refund goes on by itself under a new number. ``remedy``
    is a key of ``payment_channels.remedies.REMEDIES``: what a person can do about it.
    """

    code: str
    message: str
    retry: Retry
    throttled: bool = False
    then: Retry | None = None
    remedy: str = ""
    channel_refund_no: str = ""
    raw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """No proof either way. ``accepted`` is true when the channel itself said that it is working on it.

    ``code`` is the channel's code or one of ours: ``timeout``, ``connection``, ``server_error``,
    ``bad_signature``, ``unreadable``, ``not_found``, ``mismatch`` (another number or amount than asked for),
    ``clock`` (ours and the channel's differ by minutes), ``adapter_error``. ``not_found`` is no proof: queries lag behind.
    ``attention`` marks a refund that a person must help along (WeChat's ABNORMAL: the payer's card is closed); ``remedy`` says
    how. ``by_hand`` says that a person pays this, so that asking again changes nothing.
    """

    code: str
    message: str
    accepted: bool = False
    attention: bool = False
    by_hand: bool = False
    remedy: str = ""
    channel_refund_no: str = ""
    raw: str = ""


Outcome = Done | Refused | Unknown

#: Code of a notice that the way to the payer's bank has ended, well or not: a reason to ask about a paid refund, too.
BANK_NOTIFIED = "bank_notified"


def mismatch(raw: str) -> Unknown:
    """The outcome where a channel reports another refund or payment than the one asked for."""
    message = "the answer is about another number, sale or amount"
    return Unknown(code="mismatch", message=message, attention=True, remedy="compare", raw=raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawNotice:
    """A channel's call back exactly as it arrived; header names in lower case."""

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundNotice:
    """A verified notice. ``event_id`` is the channel's own and deduplicates deliveries.

    ``amount_fen`` is 0 where the channel does not state this refund's own amount (Alipay's is cumulative);
    ``outcome`` is then ``Unknown`` and the refund is to be queried. ``channel_transaction_no`` names the payment, where the
    notice does; ``refunded_fen`` is what was refunded of it in all, where the channel says that.
    """

    event_id: str
    refund_no: str
    amount_fen: int
    outcome: Outcome
    channel_transaction_no: str = ""
    refunded_fen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignNotice:
    """A verified notice about something else than a refund: a payment, a complaint, a coupon. ``about`` is the channel's word.

    ``paid``: of a payment that it says was made the channel's number, the shop's own ("" for unsaid), and the fen.
    """

    about: str
    paid: tuple[str, str, int] | None = None


class NoticeRejected(Exception):
    """The notice did not prove its origin (signature, serial, age, probe) or could not be read."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeReply:
    """What to answer the channel with: HTTP status, media type, body."""

    status: int
    content_type: str
    body: bytes


class CredentialsInvalid(ValueError):
    """The channel account's credentials are incomplete or unreadable; names the field."""


class ProfileInvalid(ValueError):
    """The channel account's profile has a value of the wrong type or range; names the field."""


class RefundChannel(Protocol):
    """One channel account, ready to use from many threads at once."""

    def refund(self, order: RefundOrder) -> Outcome:
        """Ask for the refund. Safe to call again with the same order."""
        ...

    def query_refund(self, reference: RefundReference) -> Outcome:
        """Ask what became of a refund. ``Refused`` only where the channel proves that it never will move."""
        ...

    def read_notice(self, notice: RawNotice) -> RefundNotice | ForeignNotice:
        """Verify and open a call back. Raises ``NoticeRejected``."""
        ...

    def acknowledge(self) -> NoticeReply:
        """The answer that stops the channel from repeating a notice."""
        ...

    def decline(self, reason: str) -> NoticeReply:
        """The answer that makes the channel repeat a notice later."""
        ...


# --- what only some channels can do: ask with isinstance() ------------------------------------------


class VoidKind(StrEnum):
    """What is undone: a purchase of the same clearing day, or a pre-authorisation."""

    PURCHASE = "purchase"
    PRE_AUTHORISATION = "pre_authorisation"


@runtime_checkable
class Voids(Protocol):
    """A channel that can undo a payment before it is cleared (UnionPay)."""

    def void(self, order: RefundOrder, kind: VoidKind = VoidKind.PURCHASE) -> Outcome:
        """Undo the whole payment. Outcome, numbers and query are as for ``refund``.

        A ``Refused`` is the proof that the payment stands, so that a refund may take the void's place.
        """
        ...


class PayeeKind(StrEnum):
    """Where an abnormal refund is sent instead."""

    CUSTOMER_CARD = "customer_card"
    MERCHANT_ACCOUNT = "merchant_account"


@dataclass(frozen=True, slots=True, kw_only=True)
class AbnormalRefundOrder:
    """A refund that the channel accepted but could not deliver, and where to send it instead.

    ``bank_type`` is the channel's name of the bank. Card number and name are needed for a customer's card;
    they are encrypted for the channel, kept out of ``repr`` and never logged.
    """

    refund_no: str
    channel_refund_no: str
    amount_fen: int
    payee: PayeeKind
    bank_type: str = ""
    card_number: str = field(default="", repr=False)
    holder_name: str = field(default="", repr=False)


@runtime_checkable
class AbnormalRefunds(Protocol):
    """A channel on which a stuck refund can be sent to another account (WeChat Pay)."""

    def apply_abnormal_refund(self, order: AbnormalRefundOrder) -> Outcome:
        """Send a stuck refund elsewhere. ``Refused`` speaks of this application: the refund stays stuck."""
        ...


class TradeState(StrEnum):
    """What became of a payment, in our words."""

    UNPAID = "unpaid"  # waiting for the payer, or the payer's payment failed
    PAID = "paid"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"  # wholly; with ``Trade.refunded_fen`` None perhaps in part, the channel does not say
    CLOSED = "closed"  # never paid, and no longer payable
    REVERSED = "reversed"  # undone before it was cleared: voided, revoked
    FINISHED = "finished"  # paid and past the refund window


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeReference:
    """What names a payment: the first of the three numbers that is known; ``paid_at`` beside it for UnionPay."""

    channel_transaction_no: str
    order_no: str
    payment_no: str = ""
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A payment as the channel knows it. Amounts in fen.

    ``payment_no`` is the number under which the shop sent it. ``refunded_fen`` None: the channel does not say how much. ``payer``
    is masked, or the channel's own name for them.
    """

    payment_no: str
    channel_transaction_no: str
    amount_fen: int
    state: TradeState
    refunded_fen: int | None = None
    payer: str = ""
    paid_at: datetime | None = None
    raw: str = ""


def trade_is_asked_for(trade: Trade, reference: TradeReference) -> bool:
    """Whether an answer is about the payment that the reference names."""
    if reference.channel_transaction_no:
        return trade.channel_transaction_no == reference.channel_transaction_no
    return trade.payment_no == (reference.payment_no or reference.order_no)


@runtime_checkable
class TradeQueries(Protocol):
    """A channel that can be asked about a payment."""

    def query_trade(self, reference: TradeReference) -> Trade | Unknown:
        """Ask what became of a payment; ``Unknown("not_found")`` where the channel knows none."""
        ...


class BillKind(StrEnum):
    """What to read from a channel's statements."""

    REFUNDS = "refunds"  # refunds and voids only
    TRADES = "trades"  # these and the payments
    FUNDS = "funds"  # every movement of the account's money (WeChat Pay)


class BillRowKind(StrEnum):
    """What a line of a statement is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    VOID = "void"
    REFUND_CLOSED = "refund_closed"  # a refund accepted earlier came back to the account
    FEE = "fee"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRow:
    """One line of a statement. Amounts in fen and never negative: ``kind`` tells the direction.

    ``fee_fen`` is what the channel charged for a payment, or gave back with a refund (negative); None: the file does not say.
    ``state`` is the channel's own word. ``line`` counts from 1 in the file as it came.
    """

    channel: str
    kind: BillRowKind
    order_no: str
    channel_transaction_no: str
    refund_no: str
    channel_refund_no: str
    amount_fen: int
    fee_fen: int | None
    accepted_at: datetime | None
    succeeded_at: datetime | None
    state: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OddRow:
    """A row that could not be read and was set aside. ``amount_fen`` is None where it is unreadable, too.

    ``why`` is row_amount, row_time, row_number (a spreadsheet rounded it), row_fields (they do not fit the columns), row_remark
    (its remark contradicts its amount) or row_day (in a file that a person brought); ``said`` is what stands in the cell.
    """

    line: int
    text: str
    why: str
    said: str = ""
    amount_fen: int | None = None


#: Odd rows that are kept with their words; beyond them only their number is known.
ODD_ROWS_KEPT = 500


@dataclass(slots=True, kw_only=True)
class BillNotes:
    """What a statement says beside its rows. Complete once all of them were read.

    ``own_numbers`` are the merchant numbers of the account it was opened for, ``named`` those that the file names;
    ``period`` is the first and the last day that it says it covers. ``on_payment`` is told the channel's number, the
    shop's own ("" for unsaid) and the fen of payments that pass by where only refunds are wanted.
    """

    own_numbers: frozenset[str] = frozenset()
    on_payment: Callable[[str, str, int], None] | None = None
    named: set[str] = field(default_factory=set)
    period: tuple[date, date] | None = None
    rows: int = 0
    odd: list[OddRow] = field(default_factory=list)
    odd_count: int = 0

    def set_aside(self, row: OddRow) -> None:
        """Keep a row's words for people."""
        self.odd_count += 1
        if len(self.odd) < ODD_ROWS_KEPT:
            self.odd.append(row)

    def start_again(self) -> None:
        """Before another pass over the file."""
        self.named, self.odd, self.rows, self.odd_count, self.period = set(), [], 0, 0, None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillTotals:
    """Sums of a statement: number of lines, payments and refunds in fen (of FUNDS: money in, money out)."""

    rows: int
    payments_fen: int
    refunds_fen: int


class BillUnavailable(Exception):
    """There is no statement to be had now. ``later`` tells whether it is worth asking again.

    A day without any trade (WeChat's NO_STATEMENT_EXIST) has ``empty`` set.
    """

    def __init__(self, code: str, message: str, *, later: bool, empty: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.later = later
        self.empty = empty


class BillCorrupt(Exception):
    """The file is no statement that can be used: nothing of it may be. ``line`` or 0; ``code`` names what it is instead:

    bill_archive, bill_damaged, bill_document, bill_empty, bill_locked, bill_of_acquirer, bill_of_another_channel,
    bill_of_another_kind, bill_of_another_language, bill_of_consumer, bill_resaved, bill_web_page, bill_workbook, bill_zip,
    or bill_unreadable where nobody can tell. ``facts`` fill the code's sentence.
    """

    def __init__(self, message: str, *, line: int = 0, code: str = "bill_damaged", **facts: str | int) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line
        self.reason = message
        self.code = code
        self.facts = facts


class Bill(Protocol):
    """A statement being read, one pass, in the file's order; closes its file at the end of a ``with``."""

    #: Hex SHA-256 of the unpacked content, to recognise the same statement again.
    digest: str
    #: Bytes of the file as it came.
    size: int
    notes: BillNotes

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...

    def __iter__(self) -> Iterator[BillRow]:
        """The lines; what cannot be read is set aside in ``notes``. Raises ``BillCorrupt`` where the file is no statement."""
        ...

    def declared(self) -> BillTotals | None:
        """The statement's own totals, where it has any; known only once all lines are read."""
        ...


@runtime_checkable
class Bills(Protocol):
    """A channel with daily statements."""

    def download_bill(self, *, day: date, kind: BillKind = BillKind.REFUNDS) -> Bill:
        """Fetch a day's statement and check its hash. Raises ``BillUnavailable``, ``BillCorrupt``."""
        ...

    def open_bill(self, *, file: BinaryIO, day: date, kind: BillKind = BillKind.REFUNDS) -> Bill:
        """Read a statement that a person uploaded, as the channel's portal hands it out.

        ``file`` must be seekable and stays the caller's. Raises ``BillUnavailable`` for a kind without statement.
        """
        ...
