from __future__ import annotations

import pytest
from django.db import connection
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from core.personal_data import name_hash, phone_key
from core.plain_text import (
    ascii_digits,
    listed,
    name_key,
    name_key_sql,
    one_line,
    person_key,
    person_name,
    plain_text,
    reference_key,
)


@pytest.mark.parametrize(
    "typed", ["E123", " e123 ", "Ｅ１２３", "e-1\u20112\u20143", "E\u200b1 2\u00a03\u00ad", "\u202de123"]
)
def test_reference_key_when_only_the_writing_differs_is_the_same(typed: str) -> None:
    assert reference_key(typed) == "e123"


@pytest.mark.parametrize("typed", ["E124", "E12", "E1230", "E/123", "E.123"])
def test_reference_key_when_the_number_differs_is_another(typed: str) -> None:
    assert reference_key(typed) != "e123"


def test_reference_key_of_nothing_but_marks_is_empty() -> None:
    assert reference_key(" -\u2014\u200b ") == ""


@pytest.mark.parametrize("typed", ["C001", "c001", " Ｃ００１ ", "C\u200b001"])
def test_name_key_when_only_the_writing_differs_is_the_same(typed: str) -> None:
    assert name_key(typed) == "c001"


@pytest.mark.parametrize(
    "typed",
    [
        "13800006021",
        "+86 138 0000 6021",
        "86-13800006021",
        "008613800006021",
        "１３８００００６０２１",
        "\u202d13800006021",
    ],
)
def test_phone_key_when_only_the_writing_differs_is_the_same(typed: str) -> None:
    assert phone_key(typed) == "13800006021"


def test_phone_key_leaves_other_countries_and_land_lines_apart() -> None:
    assert phone_key("+44 7700 900123") == "447700900123"
    assert phone_key("0571-8888 0001") == "057188880001"
    assert phone_key("none") == "none"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "typed",
    [
        "C\u200b001",
        "\u202dc001\u202c",
        " Ｃ\ufeff００１ ",
        "C\u00ad00\ufe0f1",
        "王\u3000 小\u00a0敏",
        "\U000e0020c001",
        "葛\U000e0100城",
        "王\u034f小\u3164敏",
        "Straße",
        "a\x85b",
    ],
)
def test_name_key_in_sql_is_the_same(typed: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name_key_sql('v.t')} FROM (VALUES (%s)) v (t)", [typed])
        assert cursor.fetchone()[0] == name_key(typed)


@pytest.mark.django_db
@given(
    st.lists(
        st.text(st.sampled_from("cC0１Ｃ \u3000\u00a0\t\u200b\u200d\u202d\u2066\ufeff\u00ad\ufe0f王é-"), max_size=12),
        max_size=20,
    )
)
def test_name_key_in_sql_is_the_same_for_any_spelling(typed: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name_key_sql('t')} FROM unnest(%s::text[]) t", [typed])
        assert [row[0] for row in cursor.fetchall()] == [name_key(text) for text in typed]


@pytest.mark.parametrize(
    "typed", ["Wang Min", "  Ｗａｎｇ\u3000Ｍｉｎ ", "\u202dWang\u00a0Min\u202c", "Wang\u200b  Min\n"]
)
def test_person_name_when_only_the_writing_differs_is_the_same(typed: str) -> None:
    assert person_name(typed) == "Wang Min"


@pytest.mark.parametrize("dot", [*"·•‧∙⋅・･⸱●", ".", "．", "。", " · ", "\u3000•\u00a0"])
def test_person_with_any_middle_dot_is_written_and_found_alike(dot: str) -> None:
    typed = f"买买提{dot}艾合买提"
    assert person_name(typed) == "买买提·艾合买提"
    assert name_hash(typed) == name_hash("买买提·艾合买提") != name_hash("买买提艾合买提")


@pytest.mark.parametrize(
    "typed",
    [*("", " \n", "\u200b", " \u200b\u2060 \ufeff\n", "\ufe0f"), *("\u3164", "\u2800\u115f", "\u034f", "\U000e0100")],
)
def test_text_when_nobody_sees_anything_of_it_is_empty(typed: str) -> None:
    assert (plain_text(typed), one_line(typed)) == ("", "")


def test_text_when_something_is_seen_keeps_the_joiners_in_it() -> None:
    assert plain_text(" 家人 👨\u200d👩\u200d👧 ") == "家人 👨\u200d👩\u200d👧"


@pytest.mark.parametrize(
    "typed", ["王敏", "王\u3000敏", "王 敏", "王\u2003敏", "\u202d王\u00a0敏", "王\u3164敏", "王敏\U000e0100"]
)
def test_person_whose_name_is_set_wide_is_found_by_it(typed: str) -> None:
    assert name_hash(typed) == name_hash("王敏")
    assert name_hash(typed) != name_hash("王敏敏")


def test_blank_and_stop_in_a_name_in_letters_stay() -> None:
    assert person_name("J. R. Wang") == "J. R. Wang"
    assert name_hash("Wang Min") != name_hash("WangMin")


@pytest.mark.parametrize(
    ("typed", "digits"), [("٢٦٨", "268"), ("۲۶۸٫۵", "268.5"), ("२६८", "268"), ("２６８", "268"), ("²①Ⅷ", "²①Ⅷ")]
)
def test_digits_of_every_script_are_digits_and_others_are_not(typed: str, digits: str) -> None:
    assert ascii_digits(typed) == digits


def test_list_has_the_comma_of_the_readers_language() -> None:
    with override("zh-hans"):
        assert listed(["甲", "乙"]) == "甲、乙"
    with override("en"):
        assert (listed(["a", 2]), listed([])) == ("a, 2", "")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("王敏先生", "王敏"),
        ("王敏 女士", "王敏"),
        ("王敏（小姐）", "王敏"),
        ("阿卜杜热依木˙阿卜杜拉", "阿卜杜热依木·阿卜杜拉"),
        ("阿卜杜热依木ㆍ阿卜杜拉", "阿卜杜热依木·阿卜杜拉"),
        ("阿卜杜热依木-阿卜杜拉", "阿卜杜热依木·阿卜杜拉"),
        ("阿卜杜热依木—阿卜杜拉", "阿卜杜热依木·阿卜杜拉"),
        ("阿卜杜热依木◦阿卜杜拉", "阿卜杜热依木·阿卜杜拉"),
        ("O’Brien", "o'brien"),
        ("Jose\u0301 MUÑOZ", "José Muñoz"),
        ("Mary\u2011Jane", "mary-jane"),
        ("\U00020bb7 野", "\U00020bb7野"),
    ],
)
def test_person_key_when_only_the_writing_differs_is_the_same(typed: str, name: str) -> None:
    assert person_key(typed) == person_key(name)


@pytest.mark.parametrize(
    ("one", "other"), [("先生", "女士"), ("王敏", "王闵"), ("Mary Jane", "Mary-Jane"), ("王先", "王")]
)
def test_person_key_when_it_is_another_name_differs(one: str, other: str) -> None:
    assert person_key(one) != person_key(other)
