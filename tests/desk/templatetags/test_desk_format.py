from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils import translation
from lucide import IconDoesNotExist

from core.money import capital_yuan
from desk.people import Person
from desk.templatetags import desk_format as fmt
from refunds.states import State

NOW = datetime(2026, 11, 22, 6, 41, 36, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fen", "text"), [(26800, "¥268.00"), (129_900, "¥1,299.00"), (0, "¥0.00"), (-5, "-¥0.05"), (None, "--")]
)
def test_money_has_separators_and_two_decimals(fen: int | None, text: str) -> None:
    assert fmt.yuan_sign(fen) == text


def test_columns_are_heads_of_a_table_and_their_names_are_text() -> None:
    assert fmt.columns("Store", "Number", "<Act>", right="2", unseen="3") == (
        '<th scope="col">Store</th><th scope="col" class="right">Number</th>'
        '<th scope="col"><span class="sr">&lt;Act&gt;</span></th>'
    )


def test_columns_in_a_template_are_translated() -> None:
    with translation.override("zh-hans"):
        html = Template('{% columns _("Store") _("Store") right="2" %}').render(Context())
    assert html == '<th scope="col">门店</th><th scope="col" class="right">门店</th>'


def test_an_input_field_gets_money_without_separators() -> None:
    assert fmt.yuan_plain(123_400) == "1234.00"
    assert fmt.yuan_plain(None) == ""


def test_instants_are_written_in_shanghai_time() -> None:
    assert fmt.when(NOW) == "2026-11-22 14:41:36"
    assert fmt.when_minute(NOW) == "11-22 14:41"
    assert fmt.when_second(NOW) == "11-22 14:41:36"
    assert (fmt.when_day(NOW), fmt.when_time(NOW)) == ("2026-11-22", "14:41:36")
    assert fmt.when(None) == "--"


@pytest.mark.parametrize(("value", "text"), [(None, "--"), ("", "--"), (0, 0), ("x", "x")])
def test_dash_stands_for_nothing_but_not_for_zero(value: object, text: object) -> None:
    assert fmt.dash(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "--"), (5, "5 s"), (372, "6 min 12 s"), (1800, "30 min"), (7260, "2 h 1 min"), (3 * 86_400, "3 days")],
)
def test_durations_in_words(value: float | None, text: str) -> None:
    with translation.override("en"):
        assert fmt.seconds(value) == text


def test_durations_and_shares_as_figures() -> None:
    assert fmt.stopwatch(372) == "6:12"
    assert fmt.percent(97.64) == "97.6%"
    assert fmt.rate(1.857) == "1.86%"
    assert (fmt.stopwatch(None), fmt.percent(None), fmt.rate(None)) == ("--", "--", "--")


def test_long_numbers_lose_their_middle() -> None:
    assert fmt.short_number("4200002561202611203391776210") == "42000025…776210"
    assert fmt.short_number("RF-261122-0187") == "RF-261122-0187"


@pytest.mark.parametrize(
    ("left_s", "text"),
    [
        (-1, "just over"),
        (-60, "over 1 min"),
        (-720, "over 12 min"),
        (-7300, "over 2 h"),
        (0, "0:00"),
        (372, "6:12"),
        (1799, "29:59"),
        (1800, "30 min"),
        (3600, "1 h"),
        (3900, "1 h 5 min"),
        (7500, "2 h"),
        (100_000, "1 d 3 h"),
    ],
)
def test_time_left_grows_coarser_with_distance(left_s: int, text: str) -> None:
    with translation.override("en"):
        assert fmt.time_left(left_s) == text


@pytest.mark.parametrize(("left_s", "tone"), [(-1, "bad"), (599, "bad"), (600, "warn"), (1199, "warn"), (1200, "")])
def test_the_clock_turns_amber_at_twenty_and_red_at_ten_minutes(left_s: int, tone: str) -> None:
    assert fmt.clock_level(left_s) == tone


def test_the_ring_shows_what_is_used() -> None:
    assert fmt.used_share(left_s=1104, target_s=1800) == 39
    assert fmt.used_share(left_s=-5, target_s=1800) == 100
    assert fmt.used_share(left_s=1800, target_s=1800) == 2


def test_the_clock_carries_its_deadline_for_the_script() -> None:
    due_at = NOW + timedelta(minutes=18, seconds=24)

    markup = fmt.clock(due_at, NOW, 1800)

    assert f'data-due="{int(due_at.timestamp())}"' in markup
    assert 'data-target="1800"' in markup
    assert ">18:24<" in markup
    assert 'class="sla warn"' in markup
    assert "style=" not in markup


def test_a_paused_clock_shows_no_time_and_does_not_run() -> None:
    with translation.override("en"):
        markup = fmt.clock(NOW, NOW, 1800, paused=True)

    assert "Clock paused" in markup
    assert "data-due" not in markup


def test_no_deadline_no_clock() -> None:
    assert "--" in fmt.clock(None, NOW, 1800)
    assert fmt.clock_tone(None, NOW) == ""


def test_icons_are_inlined_silent_and_known() -> None:
    markup = fmt.icon("inbox", 16)

    assert markup.startswith("<svg")
    assert 'aria-hidden="true"' in markup
    assert 'width="16"' in markup
    with pytest.raises(IconDoesNotExist):
        fmt.icon("no-such-icon")


def test_every_state_has_a_tone_and_an_icon_of_its_own_choosing() -> None:
    assert set(fmt._STATES) == set(State.values)
    for state in State.values:
        assert "<svg" in fmt.state_badge(state, "label")


def test_channel_marks_are_letters_with_a_name_for_those_who_do_not_see_them() -> None:
    with translation.override("en"):
        markup = fmt.channel_mark("wechat")

    assert "微" in markup
    assert 'class="sr">WeChat Pay<' in markup
    assert 'class="ch other"' in fmt.channel_mark("barter")


def test_names_from_outside_are_escaped() -> None:
    evil = "<b>x</b>"

    marks = [
        fmt.badge(evil),
        fmt.avatar(Person(evil, "<", "a")),
        fmt.channel_mark(evil),
        fmt.state_badge(evil, evil),
    ]

    assert not any("<b>" in mark for mark in marks)


def test_an_unclaimed_row_says_so() -> None:
    with translation.override("en"):
        assert 'class="sr">Unclaimed<' in fmt.avatar(None)


@pytest.mark.parametrize(
    ("decision", "tier", "state", "words"),
    [
        ("approve", 1, "in_review", "Approval suggested"),
        ("review", 1, "in_review", "Needs review"),
        ("review", 2, "in_review", "Second tier"),
        ("refuse", 1, "in_review", "Against the policy"),
        ("approve", 1, "needs_info", "Waiting for customer"),
    ],
)
def test_the_verdict_in_the_words_of_the_queue(decision: str, tier: int, state: str, words: str) -> None:
    with translation.override("en"):
        assert words in fmt.verdict_badge(decision, tier, state)


def test_a_qr_code_is_drawn_without_styles() -> None:
    markup = fmt.qr("http://127.0.0.1:8000/r/abc")

    assert markup.startswith("<svg")
    assert "style=" not in markup


def test_the_page_language_is_written_as_browsers_expect() -> None:
    with translation.override("zh-hans"):
        assert fmt.html_lang() == "zh-Hans"
    with translation.override("en"):
        assert fmt.html_lang() == "en"


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "零元整"),
        (5, "伍分"),
        (50, "伍角整"),
        (1205, "壹拾贰元零伍分"),
        (1250, "壹拾贰元伍角整"),
        (26_800, "贰佰陆拾捌元整"),
        (100_000, "壹仟元整"),
        (1_000_100, "壹万零壹元整"),
        (10_000_000, "壹拾万元整"),
        (10_050_000, "壹拾万零伍佰元整"),
        (10_000_050_000, "壹亿零伍佰元整"),
        (168_032, "壹仟陆佰捌拾元叁角贰分"),
    ],
)
def test_amounts_in_capitals(fen: int, text: str) -> None:
    assert capital_yuan(fen=fen) == text


def test_a_voucher_has_no_negative_amount() -> None:
    with pytest.raises(ValueError, match="negative"):
        capital_yuan(fen=-1)
