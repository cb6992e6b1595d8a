"""Ninety days of sales and refunds, drawn by a seeded hand: same merchant and moment, same plan. Nothing is stored here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from uuid_utils.compat import uuid7

from core.calendar import SHANGHAI
from merchants.models import MerchantKind
from refunds.states import Reason
from samples.demo import catalogue
from samples.demo.catalogue import Article
from samples.demo.merchants import Outline, Shop
from samples.demo.story import Ending, PlannedSale, Story
from terminals.reporting import SaleLine

DAYS = 90
#: The day in progress is told by ``samples.demo.day``; history ends before it.
DAY = timedelta(hours=10)

#: The till whose network is bad: it charges twice. Analytics should find it.
BAD_SHOP, BAD_TERMINAL, BAD_FOR, BAD_SHARE = "S003", "POS-11", timedelta(days=35), 0.10

_WEEKDAY = (0.80, 0.82, 0.88, 0.95, 1.20, 1.38, 1.25)
_HOURS: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    MerchantKind.RESTAURANT: (
        (10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21),
        (1, 9, 16, 10, 3, 2, 2, 9, 16, 15, 8, 3),
    ),
    MerchantKind.RETAIL: ((10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21), (4, 6, 6, 6, 7, 9, 9, 9, 11, 14, 10, 5)),
}
_SALES_A_DAY = {MerchantKind.RESTAURANT: 2.4, MerchantKind.RETAIL: 2.3}
_REFUND_SHARE = {MerchantKind.RESTAURANT: 0.036, MerchantKind.RETAIL: 0.050}
_CHANNELS = {"wechat": 62, "alipay": 30, "unionpay": 8}
_FUNDING = (("balance", 45), ("debit_card", 35), ("credit_card", 15), ("consumer_credit", 5))

_REASONS: Mapping[str, tuple[tuple[str, int], ...]] = {
    MerchantKind.RESTAURANT: (
        (Reason.QUALITY, 30),
        (Reason.WRONG_AMOUNT, 20),
        (Reason.SERVICE_FAILURE, 17),
        (Reason.NOT_AS_DESCRIBED, 10),
        (Reason.CUSTOMER_CANCELLED, 9),
        (Reason.DUPLICATE_CHARGE, 7),
        (Reason.OPERATOR_ERROR, 6),
        (Reason.GOODWILL, 1),
    ),
    MerchantKind.RETAIL: (
        (Reason.QUALITY, 30),
        (Reason.WRONG_AMOUNT, 16),
        (Reason.NO_REASON, 15),
        (Reason.PRICE_ADJUSTMENT, 11),
        (Reason.NOT_AS_DESCRIBED, 9),
        (Reason.CUSTOMER_CANCELLED, 7),
        (Reason.DUPLICATE_CHARGE, 5),
        (Reason.SERVICE_FAILURE, 3),
        (Reason.OPERATOR_ERROR, 2),
        (Reason.SYSTEM_FAULT, 1),
        (Reason.GOODWILL, 1),
    ),
}
#: Reason -> hours from sale to request, shortest and longest; other reasons come within two days.
_DELAY_H: Mapping[str, tuple[float, float]] = {
    Reason.DUPLICATE_CHARGE: (0.05, 0.6),
    Reason.WRONG_AMOUNT: (0.05, 8),
    Reason.OPERATOR_ERROR: (0.05, 4),
    Reason.SYSTEM_FAULT: (0.05, 2),
    Reason.CUSTOMER_CANCELLED: (0.1, 20),
    Reason.NO_REASON: (20, 150),
    Reason.QUALITY: (3, 140),
    Reason.PRICE_ADJUSTMENT: (10, 120),
}
_FOR_A_PIECE = frozenset({Reason.QUALITY, Reason.NOT_AS_DESCRIBED, Reason.NO_REASON, Reason.CUSTOMER_CANCELLED})
_FOR_ALL = frozenset({Reason.DUPLICATE_CHARGE, Reason.SYSTEM_FAULT})
_SCORES = (5,) * 58 + (4,) * 27 + (3,) * 9 + (2,) * 4 + (1,) * 2


@dataclass(slots=True)
class Draw:
    """One merchant's hand of cards: the seeded randomness and what has been given out."""

    outline: Outline
    channels: Collection[str]
    random: Random
    sales: int = 0

    @classmethod
    def of(cls, outline: Outline, channels: Collection[str]) -> Draw:
        return cls(outline, channels, Random(f"{outline.code} sample data"))  # noqa: S311 - nothing to guess here

    @property
    def articles(self) -> tuple[Article, ...]:
        return catalogue.MENU if self.outline.kind is MerchantKind.RESTAURANT else catalogue.GOODS

    @property
    def talk(self) -> Mapping[str, tuple[str, ...]]:
        return catalogue.TABLE_TALK if self.outline.kind is MerchantKind.RESTAURANT else catalogue.SHOP_TALK

    def shop(self) -> Shop:
        return self.random.choices(self.outline.shops, [shop.weight for shop in self.outline.shops])[0]

    def basket(self, *first: Article) -> tuple[SaleLine, ...]:
        """Lines of a sale: the articles given, then one to three more drawn by weight."""
        more = self.random.choices(
            self.articles,
            [article.weight for article in self.articles],
            k=self.random.choice((0, 1, 1, 2) if first else (1, 1, 2, 3)),
        )
        chosen = list({article.sku: article for article in (*first, *more)}.values())
        lines = []
        for article in chosen:
            quantity = 2 if article not in first and article.price_fen < 4_000 and self.random.random() < 0.3 else 1
            lines.append(SaleLine(article.sku, article.name, quantity, article.price_fen, article.price_fen * quantity))
        return tuple(lines)

    def sale(
        self, *, shop: Shop, paid_at: datetime, lines: tuple[SaleLine, ...], terminal: str = "", channel: str = ""
    ) -> PlannedSale:
        """A paid sale of these lines."""
        self.sales += 1
        day = paid_at.astimezone(SHANGHAI)
        weights = {name: weight for name, weight in _CHANNELS.items() if name in self.channels}
        channel = channel or self.random.choices(list(weights), list(weights.values()))[0]
        funding = self.random.choices([name for name, _ in _FUNDING], [weight for _, weight in _FUNDING])[0]
        merchant_digit = self.outline.code[-1]
        return PlannedSale(
            id=uuid7(nanoseconds=int(paid_at.timestamp() * 1_000_000_000)),
            store=shop.code,
            terminal=terminal or self.random.choice(shop.terminals),
            cashier=self.random.choice(shop.cashiers),
            channel=channel,
            order_no=f"XH{merchant_digit}{day:%Y%m%d}-{self.sales:06d}",
            channel_transaction_no=_channel_number(channel, merchant_digit, day, self.sales),
            amount_fen=sum(line.amount_fen for line in lines),
            paid_at=paid_at,
            funding=funding,
            phone=self.phone() if self.random.random() < 0.4 else "",
            card_last4=f"{self.random.randrange(10_000):04d}" if funding.endswith("_card") else "",
            lines=lines,
        )

    def twin(self, sale: PlannedSale) -> PlannedSale:
        """The same sale charged a second time, half a minute later."""
        shop = next(shop for shop in self.outline.shops if shop.code == sale.store)
        again = self.sale(
            shop=shop,
            paid_at=sale.paid_at + timedelta(seconds=self.random.randint(20, 70)),
            lines=tuple(sale.lines),
            terminal=sale.terminal,
            channel=sale.channel,
        )
        return replace(again, cashier=sale.cashier, phone=sale.phone, card_last4=sale.card_last4, funding=sale.funding)

    def phone(self) -> str:
        """A number that nobody has: 138 0000 and four digits."""
        return f"1380000{self.random.randrange(10_000):04d}"

    def name(self) -> str:
        return self.random.choice(catalogue.SURNAMES) + self.random.choice(catalogue.GIVEN_NAMES)

    def story(self, *, sale: PlannedSale, at: datetime, reason: str, ending: Ending, sku: str = "") -> Story:
        """A request for this sale, with everything about it drawn; ``sku`` names the piece that it is about."""
        line = next((line for line in sale.lines if line.sku == sku), None) or self.random.choice(sale.lines)
        score = self.random.choice(_SCORES) if ending is Ending.PAID and self.random.random() < 0.38 else 0
        return Story(
            sale=sale,
            at=at,
            reason=reason,
            amount_fen=self.amount(reason, sale, line),
            lines=[(line.sku, 1)] if reason in _FOR_A_PIECE else (),
            description=self.words(reason, line.sku),
            name=self.name(),
            phone=sale.phone or self.phone(),
            email=f"guest{self.random.randrange(10_000):04d}@example.com" if self.random.random() < 0.2 else "",
            ending=ending,
            by_cashier=self.random.random() < 0.15,
            decided_after=timedelta(minutes=min(600.0, self.random.lognormvariate(1.85, 0.75))),
            paid_after=timedelta(seconds=self.random.uniform(1.5, 6.0)),
            desk=self.random.randrange(1_000),
            score=score,
            comment=self.random.choice(catalogue.COMMENTS[score]) if score else "",
        )

    def words(self, reason: str, sku: str) -> str:
        """What the customer says."""
        if reason == Reason.QUALITY:
            return next(article.flaw for article in self.articles if article.sku == sku)
        return self.random.choice(self.talk[reason])

    def amount(self, reason: str, sale: PlannedSale, line: SaleLine) -> int:
        """What is asked for, in fen: a piece, all of it, or a share rounded to ten fen."""
        if reason in _FOR_A_PIECE:
            return line.unit_price_fen
        if reason in _FOR_ALL:
            return sale.amount_fen
        if reason in (Reason.WRONG_AMOUNT, Reason.OPERATOR_ERROR):
            return line.unit_price_fen if self.random.random() < 0.6 else _rounded(sale.amount_fen // 8)
        share = self.random.uniform(0.08, 0.28)
        return _rounded(int(sale.amount_fen * share))


def history(draw: Draw, *, now: datetime) -> tuple[list[PlannedSale], list[Story]]:
    """The sales of ninety days up to now, and the refunds asked for before today, each unordered."""
    sales = list(_sales(draw, now))
    kind = draw.outline.kind
    stories: list[Story] = []
    twins: list[PlannedSale] = []
    for sale in sales:
        bad = (
            kind is MerchantKind.RETAIL
            and (sale.store, sale.terminal) == (BAD_SHOP, BAD_TERMINAL)
            and sale.paid_at > now - BAD_FOR
            and draw.random.random() < BAD_SHARE
        )
        if not bad and draw.random.random() >= _REFUND_SHARE[kind]:
            continue
        reasons = _REASONS[kind]
        reason = (
            Reason.DUPLICATE_CHARGE if bad else draw.random.choices([r for r, _ in reasons], [w for _, w in reasons])[0]
        )
        at = sale.paid_at + timedelta(hours=draw.random.uniform(*_DELAY_H.get(reason, (1, 40))))
        if at > now - DAY:
            continue
        about = sale
        if reason == Reason.DUPLICATE_CHARGE:
            about = draw.twin(sale)
            twins.append(about)
        stories.append(_ended(draw, draw.story(sale=about, at=at, reason=reason, ending=Ending.PAID)))
    return [*sales, *twins], stories


def _ended(draw: Draw, story: Story) -> Story:
    """Most requests are paid; some are not, and those have no score."""
    chance = draw.random.random()
    if chance < 0.06:
        code = draw.random.choice(list(catalogue.REFUSALS))
        return replace(story, ending=Ending.REJECTED, code=code, message=catalogue.REFUSALS[code], score=0, comment="")
    if chance < 0.085:
        return replace(story, ending=Ending.CANCELLED, score=0, comment="")
    return story


def _sales(draw: Draw, now: datetime) -> Iterator[PlannedSale]:
    today = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    hours, weights = _HOURS[draw.outline.kind]
    for days_ago in range(DAYS, -1, -1):
        day = today - timedelta(days=days_ago)
        busy = _SALES_A_DAY[draw.outline.kind] * _WEEKDAY[day.weekday()] * draw.random.uniform(0.85, 1.15)
        for shop in draw.outline.shops:
            for hour in draw.random.choices(hours, weights, k=round(shop.weight * busy)):
                paid_at = day + timedelta(hours=hour, seconds=draw.random.randrange(3600))
                if paid_at < now - timedelta(minutes=2):
                    yield draw.sale(shop=shop, paid_at=paid_at, lines=draw.basket())


def _channel_number(channel: str, merchant_digit: str, day: datetime, number: int) -> str:
    """28 digits each, as the channels have them; no two merchants or channels share one."""
    if channel == "wechat":
        return f"42000025{merchant_digit}{day:%Y%m%d}{number:011d}"
    if channel == "alipay":
        return f"{day:%Y%m%d}22001{merchant_digit}{number:014d}"
    return f"{day:%y%m%d}8{merchant_digit}{number:013d}"


def _rounded(fen: int) -> int:
    return max(100, fen // 10 * 10)
