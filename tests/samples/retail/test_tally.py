"""Where every line of a file went."""

from samples.retail.lines import Kind, Line
from samples.retail.tally import Tally


def test_tally_counts_every_line_once_and_passes_it_on() -> None:
    kinds = list(Kind)
    lines = [Line(number=n, kind=kind, invoice="536365", quantity=2, price_fen=255) for n, kind in enumerate(kinds)]
    tally = Tally()

    assert list(tally.watch(lines)) == lines
    assert tally.lines == len(kinds)
    assert set(tally.kinds.values()) == {1}
    assert not tally.on_credit_notes


def test_tally_of_credit_notes_says_what_they_credit() -> None:
    tally = Tally()
    given = [
        Line(
            number=1,
            kind=next(kind for kind in Kind if kind is not Kind.BAD),
            invoice="C536379",
            quantity=-2,
            price_fen=255,
        )
    ]
    list(tally.watch(given))

    assert sum(tally.on_credit_notes.values()) == 1
    assert sum(tally.credited_fen.values()) == 510


def test_tally_of_bad_lines_counts_all_and_keeps_twenty() -> None:
    tally = Tally()
    list(tally.watch(Line(number=n, kind=Kind.BAD, why="no price") for n in range(30)))

    assert tally.reasons == {"no price": 30}
    assert [line.number for line in tally.first_bad] == list(range(20))
