from __future__ import annotations

from datetime import datetime, timedelta

from core.calendar import SHANGHAI
from samples.retail.lines import Kind, Line
from samples.retail.matching import Found, Match, Part, match
from samples.retail.wishes import chains, wishes

START = datetime(2011, 8, 1, 10, tzinfo=SHANGHAI)


def line(invoice: str, quantity: int, *, sku: str = "22139", price_fen: int = 425, customer: str = "17850") -> Line:
    line.number += 1  # type: ignore[attr-defined]
    number: int = line.number  # type: ignore[attr-defined]
    kind = Kind.CREDIT_NOTE if invoice.startswith("C") else Kind.SALE
    at = START + timedelta(hours=number)
    return Line(number, kind, invoice, sku, "TEA SET", quantity, at, price_fen, customer)


line.number = 1  # type: ignore[attr-defined]


def matches_of(*lines: Line) -> list[Match]:
    return match(lines, {(one.customer, one.sku) for one in lines if one.kind is Kind.CREDIT_NOTE})


def test_match_takes_the_latest_earlier_sale_of_the_same_customer_and_article() -> None:
    (found,) = matches_of(
        line("500001", 6),
        line("500002", 6),
        line("500003", 6, customer="99999"),
        line("500004", 6, sku="85123A"),
        line("C500005", -2),
        line("500006", 6),
    )

    assert found.found is Found.ONE
    assert found.parts == (Part("500002", "22139", 2, 425),)


def test_match_goes_on_to_earlier_sales_where_one_has_not_enough() -> None:
    (found,) = matches_of(line("500001", 6), line("500002", 1), line("C500003", -4))

    assert found.found is Found.SEVERAL
    assert [(part.invoice, part.quantity) for part in found.parts] == [("500002", 1), ("500001", 3)]


def test_match_remembers_what_came_back_before() -> None:
    first, second = matches_of(line("500001", 3), line("C500002", -2), line("C500003", -2))

    assert (first.found, second.found) == (Found.ONE, Found.PARTLY)
    assert second.parts == (Part("500001", "22139", 1, 425),)
    assert second.excess == Part("500001", "22139", 1, 425)


def test_match_of_all_given_back_twice_is_an_over_return_against_the_latest_sale() -> None:
    _, second = matches_of(line("500001", 3), line("C500002", -3), line("C500003", -3))

    assert second.found is Found.OVER
    assert second.parts == ()
    assert second.excess == Part("500001", "22139", 3, 425)


def test_match_without_customer_or_earlier_sale_is_a_lost_receipt() -> None:
    nobody, nothing = matches_of(
        line("500001", 3, customer=""), line("C500002", -1, customer=""), line("C500003", -1), line("500004", 5)
    )

    assert (nobody.found, nothing.found) == (Found.NO_CUSTOMER, Found.NO_SALE)


def test_match_never_gives_back_more_for_a_piece_than_was_paid() -> None:
    (found,) = matches_of(line("500001", 3, price_fen=200), line("C500002", -1, price_fen=425))

    assert found.parts[0].price_fen == 200
    assert found.capped_fen == 225


def test_wishes_join_the_articles_of_a_credit_note_that_go_back_to_one_sale() -> None:
    made = wishes(
        matches_of(
            line("500001", 6),
            line("500001", 2, sku="85123A", price_fen=255),
            line("C500002", -2),
            line("C500002", -1, sku="85123A", price_fen=255),
        )
    )

    (wish,) = made
    assert wish.order_no == "OR-500001"
    assert wish.amount_fen == 2 * 425 + 255
    assert wish.articles == (("22139", 2), ("85123A", 1))
    assert wish.body()["lines"] == [{"sku": "22139", "quantity": 2}, {"sku": "85123A", "quantity": 1}]


def test_wishes_ask_for_an_over_return_by_itself_and_last() -> None:
    made = wishes(matches_of(line("500001", 3), line("C500002", -5), line("C500003", -1, sku="85123A")))

    assert [(wish.amount_fen, wish.articles) for wish in made] == [
        (3 * 425, (("22139", 3),)),
        (2 * 425, (("22139", 2),)),
    ]
    assert chains(made) == [made]


def test_wishes_of_the_same_file_have_the_same_keys_and_no_two_share_one() -> None:
    lines = [line("500001", 3), line("500002", 3), line("C500003", -5), line("C500004", -2), line("C500004", -1)]

    keys = [wish.key for wish in wishes(matches_of(*lines))]

    assert keys == [wish.key for wish in wishes(matches_of(*lines))]
    assert len(set(keys)) == len(keys)
    assert all(key.isascii() and len(key) <= 255 for key in keys)
