"""What the columns of an imported file can be, and what their cells say, as people and their systems write it."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.calendar import SHANGHAI
from core.errors import FieldError
from core.money import NotAnAmount, fen_typed
from core.numbers import as_kept
from core.phones import NotAPhone, phone_number
from core.plain_text import folded, one_line, person_name
from core.quantities import NotAQuantity, quantity_typed
from core.spreadsheets import from_cell
from core.table_files import is_rounded
from merchants import channels
from refunds.intake.claims import Customer, Draft
from refunds.models.batch import BatchKind
from refunds.states import Reason
from terminals.models import LineKind
from terminals.reporting import ReportedSale, SaleLine

_SALES, _REFUNDS = frozenset({BatchKind.SALES}), frozenset({BatchKind.REFUNDS})
_BOTH = _SALES | _REFUNDS


@dataclass(frozen=True, slots=True)
class Field:
    """``guesses`` are names that its column has in the wild, the surest first. ``same``: it is often the same in all rows, and
    then no column.
    """

    name: str
    label: Promise | str
    of: frozenset[BatchKind]
    guesses: str
    same: bool = False


FIELDS: Sequence[Field] = (
    Field("order_no", _("Order or receipt number"), _BOTH,
          "商户订单号 订单号 订单编号 小票号 单号 收据号 orderno order receipt receiptno invoice"),
    Field("channel_transaction_no", _("Channel's number of the payment"), _BOTH,
          "微信订单号 支付宝交易号 渠道交易号 渠道单号 渠道流水号 交易流水号 支付流水号 支付单号 "
          "channeltransactionno transactionno transactionid"),
    Field("channel", _("Channel"), _SALES,
          "支付方式 付款方式 收款方式 支付渠道 付款渠道 收款渠道 支付通道 收款通道 交易渠道 交易方式 渠道 "
          "channel paymentmethod paidwith tender", same=True),
    Field("store", _("Store's code"), _BOTH, "门店编号 门店号 门店编码 门店 店铺 store storecode branch", same=True),
    Field("amount", _("Amount paid, or to be refunded"), _BOTH,
          "申请退款金额 退款金额 实收金额 实付金额 应结订单金额 支付金额 付款金额 收款金额 交易金额 订单金额 总金额 金额 "
          "amount amountfen paid total refundamount"),
    Field("paid_at", _("Paid at"), _SALES,
          "支付时间 付款时间 收款时间 交易日期时间 交易日期及时间 交易时间 完成时间 创建时间 下单时间 交易日期 时间 日期 "
          "paidat invoicedat datetime time date"),
    Field("paid_on", _("Day of the payment, where its time stands apart"), _SALES,
          "交易日期 支付日期 付款日期 收款日期 日期 date"),
    Field("trade_type", _("Kind of trade"), _SALES, "交易类型 业务类型 tradetype"),
    Field("terminal", _("Till"), _SALES, "终端号 终端编号 终端编码 终端 设备号 收银机 terminal till pos"),
    Field("cashier", _("Cashier"), _BOTH, "收银员 操作员 cashier operator"),
    Field("payer_phone", _("Payer's phone"), _SALES, "手机号 手机 会员手机 电话 phone mobile"),
    Field("card_last4", _("Card, its last four digits"), _SALES, "卡号后四位 卡号 交易卡号 cardlast4 card"),
    Field("status", _("State of the payment"), _SALES, "交易状态 支付状态 状态 status"),
    Field("sku", _("Article number"), _BOTH, "商品编号 商品编码 货号 条码 sku stockcode barcode"),
    Field("item", _("Article"), _SALES, "商品名称 品名 商品 item itemname description productname"),
    Field("quantity", _("Quantity"), _BOTH, "数量 quantity qty"),
    Field("unit_price", _("Unit price"), _SALES, "单价 unitprice price"),
    Field("line_amount", _("Amount of the line"), _SALES, "小计 行金额 lineamount subtotal"),
    Field("reason", _("Reason"), _REFUNDS, "退款原因 原因 reason", same=True),
    Field(
        "description",
        pgettext_lazy("in the customer's words", "What happened"),
        _REFUNDS,
        "说明 备注 描述 description note remark",
    ),
    Field("customer_name", _("Customer's name"), _REFUNDS, "客户姓名 顾客姓名 姓名 customername name"),
    Field("customer_phone", _("Customer's phone"), _REFUNDS, "客户手机 顾客手机 手机号 手机 电话 phone mobile"),
    Field("customer_email", _("Customer's e-mail"), _REFUNDS, "邮箱 电子邮箱 email"),
    Field("consent", _("The customer agreed (yes or no)"), _REFUNDS, "顾客同意 客户同意 consent customerconsent", same=True),
)  # fmt: skip
#: Of these one is enough.
_LINES = frozenset({"sku", "item", "quantity", "unit_price", "line_amount"})
#: What is a number only by its looks, and loses zeros.
NUMBERS = ("order_no", "channel_transaction_no", "store", "terminal", "sku")


def fields_of(kind: str) -> list[Field]:
    return [one for one in FIELDS if kind in one.of]


def guess(columns: Sequence[str], *, kind: str) -> dict[str, str]:
    """Which column is probably which field; each column once."""
    keys = {column: _key(column) for column in columns}
    found: dict[str, str] = {}
    for one in fields_of(kind):
        for name in one.guesses.split():
            free = [column for column, key in keys.items() if key == name and column not in found.values()]
            if free:
                found[one.name] = free[0]
                break
    return found


#: What the money columns are called, and the end of a name that says in what.
_MONEY = ("amount", "unit_price", "line_amount")
_SAYS_FEN = re.compile(r"(?<!积)分\)?$|(?:^|[^a-z])fen\)?$|_fen$")
_SAYS_YUAN = re.compile(r"元\)?$|(?:^|[^a-z])yuan\)?$")


def says_fen(column: str) -> bool:
    """Whether a column's name says that its amounts are in fen: 交易金额（分）, amount_fen."""
    return bool(_SAYS_FEN.search(folded(column).strip()))


def in_other_units(columns: Mapping[str, str], *, is_fen: bool) -> list[str]:
    """The fields whose column's name says that its amounts are in the other unit: 100 times as much, or as little."""
    other = _SAYS_YUAN if is_fen else _SAYS_FEN
    return [name for name in _MONEY if other.search(folded(columns.get(name, "")).strip())]


def missing(named: Iterable[str], *, kind: str) -> list[str]:
    """The fields without which no row can be taken."""
    has = set(named)
    if kind == BatchKind.REFUNDS:
        found = [name for name in ("amount", "reason") if name not in has]
        return found if has & {"order_no", "channel_transaction_no"} else ["order_no", *found]
    found = [name for name in ("order_no", "channel", "paid_at", "store") if name not in has]
    priced = has & {"amount", "line_amount"} or {"quantity", "unit_price"} <= has
    return found if priced else [*found, "amount"]


def units(
    rows: Iterable[tuple[int, Mapping[str, str]]], *, named: Iterable[str]
) -> Iterator[list[tuple[int, Mapping[str, str]]]]:
    """The rows that are one sale or refund: those of an order where they name its articles, else each by itself."""
    if not _LINES & set(named):
        yield from ([row] for row in rows)
        return
    found: dict[object, list[tuple[int, Mapping[str, str]]]] = {}
    for line, cells in rows:
        # A row without its number is one of its own, and says so.
        own = tuple(cells.get(name, "") for name in ("order_no", "channel_transaction_no", "store"))
        found.setdefault(own if any(own[:2]) else line, []).append((line, cells))
    yield from found.values()


@dataclass(slots=True)
class Reading:
    """What the cells of one unit say, and what of it cannot be read. ``short`` are numbers, by field, shorter than their column's
    others: (field, number).
    """

    rows: Sequence[Mapping[str, str]]
    is_fen: bool = False
    short: frozenset[tuple[str, str]] = frozenset()
    errors: list[FieldError] = field(default_factory=list)

    def sale(self) -> ReportedSale | None:
        """Raises nothing: what is wrong stands in ``errors``, and then there is no sale."""
        if not (channel := _channels().get(_key(self._text("channel")), "")):
            self._bad("channel", "channel_unknown")
        if (said := folded(self._text("status"))) and said not in _PAID:
            self._bad("status", "not_a_sale")
        if _GOES_BACK.search(folded(self._text("trade_type"))):
            self._bad("trade_type", "not_a_sale")
        lines = self._lines()
        amount = self._fen("amount") if self._text("amount") else sum(line.amount_fen for line in lines)
        if amount <= 0 and not self.errors:
            self._bad("amount", "not_a_sale")
        order_no = self._number("order_no")
        number = self._number("channel_transaction_no")
        store = self._number("store")
        if not number and channel and channel != "cash":
            self._bad("channel_transaction_no", "required")
        for name in ("order_no", "store"):
            if not self._text(name):
                self._bad(name, "required")
        paid_at, terminal = self._instant("paid_at"), self._number("terminal")
        phone = "" if "*" in self._text("payer_phone") else self._phone("payer_phone")
        if self.errors or paid_at is None:
            return None
        return ReportedSale(
            order_no=order_no,
            channel=channel,
            # Cash has no number of a channel's; the receipt's is one of its store.
            channel_transaction_no=number or f"{store}-{order_no}"[:64],
            kind="sale",
            amount_fen=amount,
            paid_at=paid_at,
            store=store,
            terminal=terminal,
            cashier=one_line(self._text("cashier"), limit=40),
            payer_phone=phone,
            card_last4=_last4(self._text("card_last4")),
            funding="",
            lines=lines,
        )

    def draft(self) -> Draft | None:
        """The same of a refund; the sale that a channel's number names is looked up by who reads it."""
        amount = abs(self._fen("amount"))
        if not (reason := _reasons().get(_key(self._text("reason")), "")):
            self._bad("reason", "reason_unknown")
        agreed = folded(self._text("consent"))
        if agreed and agreed not in _YES | _NO:
            self._bad("consent", "consent_unclear")
        order_no, store = self._number("order_no"), self._number("store")
        if not order_no and not self._number("channel_transaction_no"):
            self._bad("order_no", "required")
        pieces = [(self._number("sku", row), self._quantity(row)) for row in self.rows if row.get("sku", "").strip()]
        email = self._text("customer_email")
        if email and not (len(email) <= 120 and re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email)):
            self._bad("customer_email", "invalid_email")
        customer = Customer(
            name=person_name(self._text("customer_name"))[:60], phone=self._phone("customer_phone"), email=email
        )
        if amount == 0 and not self.errors:
            self._bad("amount", "amount_invalid")
        if self.errors:
            return None
        return Draft(
            amount_fen=amount,
            reason=reason,
            order_no=order_no,
            store=store,
            description=one_line(self._text("description"), limit=500),
            lines=pieces,
            customer=customer,
            customer_consent=agreed in _YES if agreed else None,
            cashier=one_line(self._text("cashier"), limit=40),
        )

    def _lines(self) -> list[SaleLine]:
        lines = []
        for row in self.rows:
            if not any(row.get(name, "").strip() for name in ("sku", "item", "line_amount", "unit_price")):
                continue
            pieces = self._quantity(row)
            unit = self._fen("unit_price", row) if row.get("unit_price", "").strip() else None
            amount = self._fen("line_amount", row) if row.get("line_amount", "").strip() else None
            if unit is None and amount is None:
                self._bad("unit_price", "required")
                continue
            if amount is None:
                amount = int((Decimal(unit or 0) * pieces).quantize(Decimal(1), ROUND_HALF_UP))
            sku = self._number("sku", row)
            lines.append(
                SaleLine(
                    sku=sku,
                    name=one_line(row.get("item", ""), limit=200) or sku,
                    quantity=pieces,
                    unit_price_fen=amount if unit is None else unit,
                    amount_fen=amount,
                    kind=LineKind.DISCOUNT if amount < 0 else LineKind.ARTICLE,
                )
            )
        return lines

    def _bad(self, name: str, code: str) -> None:
        error = FieldError(name, code)
        if error not in self.errors:
            self.errors.append(error)

    def _text(self, name: str) -> str:
        """What the unit says of it: the first row that does. Rows that say different things of one sale are refused."""
        said = list(dict.fromkeys(text for row in self.rows if (text := row.get(name, "").strip())))
        if len(said) > 1 and name in ("amount", "channel", "paid_at", "reason"):
            self._bad(name, "rows_differ")
        return said[0] if said else ""

    def _number(self, name: str, row: Mapping[str, str] | None = None) -> str:
        text = self._text(name) if row is None else row.get(name, "").strip()
        number = as_kept(from_cell(text))
        limit = 20 if name in ("store", "terminal") else 64
        if is_rounded(text):
            self._bad(name, "digits_lost")
        elif (name, number) in self.short:
            self._bad(name, "zeros_lost")
        elif len(number) > limit:
            self._bad(name, "number_too_long")
        return number

    def _fen(self, name: str, row: Mapping[str, str] | None = None) -> int:
        text = self._text(name) if row is None else row.get(name, "").strip()
        if not text:
            self._bad(name, "required")
            return 0
        if self.is_fen:
            if found := _FEN.fullmatch(folded(text)):
                fen = int(found[1] or found[2] or found[3])
                return fen if found[1] else -fen
            self._bad(name, "amount_not_fen")
            return 0
        try:
            return fen_typed(text)
        except NotAnAmount as error:
            self._bad(name, error.code)
            return 0

    def _quantity(self, row: Mapping[str, str]) -> Decimal:
        text = row.get("quantity", "").strip()
        if re.match(r"\s*[-−]", text):
            self._bad("quantity", "not_a_sale")
            return Decimal(1)
        try:
            return quantity_typed(text) if text else Decimal(1)
        except NotAQuantity as error:
            self._bad("quantity", error.code)
            return Decimal(1)

    def _phone(self, name: str) -> str:
        text = self._text(name)
        if is_rounded(text):
            self._bad(name, "digits_lost")
            return ""
        try:
            return phone_number(text) if text else ""
        except NotAPhone:
            self._bad(name, "invalid_phone")
            return ""

    def _instant(self, name: str) -> datetime | None:
        text, day = self._text(name), self._text("paid_on")
        if day and (at := _time_of(text)):
            on = _PACKED_DAY.sub(r"\1-\2-\3", _DAY_ALONE.sub("", day))
            text = f"{on} {at}"
        found = instant(text)
        if found is None:
            self._bad(name, "date_unclear")
        return found


_PAID = frozenset(
    {"success", "succeeded", "paid", "成功", "支付成功", "交易成功", "已支付", "已完成", "完成", "trade_success"}
)
#: What an acquirer's list calls what is no payment.
_GOES_BACK = re.compile(r"退货|退款|撤销|冲正|预授权(?!完成)|refund|return|void|revers|cancel")
#: Whole fen; below zero with a minus in front or behind, or in brackets.
_FEN = re.compile(r"(-?[0-9]{1,12})|\(([0-9]{1,12})\)|([0-9]{1,12})-")
#: A day as a workbook's cell has it.
_DAY_ALONE = re.compile(r"[ tT]+00:00(:00)?$")
_PACKED_DAY = re.compile(r"^(20[0-9]{2})([0-9]{2})([0-9]{2})$")
_TIME_ALONE = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?|([0-9]{1,2})([0-9]{2})([0-9]{2})")
_YES, _NO = frozenset({"1", "yes", "y", "true", "是", "同意"}), frozenset({"0", "no", "n", "false", "否", "不同意"})
_MOMENT = re.compile(
    r"(20[0-9]{2})-([0-9]{1,2})-([0-9]{1,2})(?:[ t]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?)?"
    r" ?(z|[+-][0-9]{2}:?[0-9]{2})?"
)
_PACKED = re.compile(r"(20[0-9]{2})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})([0-9]{2})?)?()")


def _time_of(text: str) -> str:
    """``12:03:11`` and ``120311``, and ``93011`` that has lost its zero; empty for what is more or less than a time."""
    found = _TIME_ALONE.fullmatch(folded(text).strip())
    if found is None:
        return ""
    hour, minute, second = found.groups()[:3] if found[1] else found.groups()[3:]
    return f"{hour}:{minute}:{second or '00'}"


def instant(text: str) -> datetime | None:
    """``2026-11-26 12:03:11``, ``2026/11/26 12:03``, ``2026年11月26日 12时03分``, ``20261126120311``: of the store's clocks where
    no offset is said. None for what can be read in two ways.
    """
    plain = re.sub(r"[年月/.]", "-", re.sub(r"(?<=[0-9])\.[0-9]+(?=$|z|[+-])", "", folded(text)))
    plain = re.sub(r"[时分]", ":", plain.replace("日", " ").replace("秒", "")).strip(": ")
    found = _MOMENT.fullmatch(" ".join(plain.split())) or _PACKED.fullmatch(plain)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=SHANGHAI)
        offset = (found[7] or "").replace("z", "+00:00")
        return datetime.fromisoformat(f"{local:%Y-%m-%dT%H:%M:%S}{offset}") if offset else local
    except ValueError:
        return None


def _last4(text: str) -> str:
    """The end of a card; digits that a spreadsheet took from the front of four are put back."""
    plain = folded(text).replace(" ", "")
    if plain.isdigit() and 0 < len(plain) < 4:
        return plain.zfill(4)
    return plain[-4:] if plain[-4:].isascii() and plain[-4:].isdigit() and len(plain) >= 4 else ""


def _key(name: str) -> str:
    """A name as it is compared: without width, case, blanks, underscores, and what stands in brackets."""
    plain = re.sub(r"[(\[][^)\]]*[)\]]", "", unicodedata.normalize("NFKC", folded(name)))
    return re.sub(r"[\s_:*#.-]+", "", plain)


_SYNONYMS = {
    "微信": "wechat", "weixin": "wechat", "wechatpay": "wechat", "支付宝": "alipay", "银联": "unionpay", "云闪付": "unionpay",
    "银联卡": "unionpay", "刷卡": "unionpay", "银行卡": "unionpay", "现金": "cash", "数字人民币": "ecny",
    "微信扫码": "wechat", "微信刷卡": "wechat", "支付宝扫码": "alipay", "银联扫码": "unionpay", "银联二维码": "unionpay",
    "借记卡": "unionpay", "贷记卡": "unionpay", "信用卡": "unionpay",
}  # fmt: skip


@lru_cache(maxsize=1)
def _channels() -> Mapping[str, str]:
    found = {_key(code): code for code in (*channels.known(), "ecny", "card")}
    return {**_labels({code: code for code in found.values()}, channels.label), **_SYNONYMS, **found}


@lru_cache(maxsize=1)
def _reasons() -> Mapping[str, str]:
    by_code = {reason.value: reason.value for reason in Reason}
    return {**_labels(by_code, lambda code: str(Reason(code).label)), **{_key(code): code for code in by_code}}


def _labels(codes: Mapping[str, str], label: Callable[[str], str]) -> dict[str, str]:
    """Each code by its label in both languages."""
    found = {}
    for language in ("en", "zh-hans"):
        with translation.override(language):
            found.update({_key(label(code)): code for code in codes})
    return found
