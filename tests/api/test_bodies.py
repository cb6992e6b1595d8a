"""How much of a body is read, and what is no JSON of ours."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from rest_framework.exceptions import ParseError

from api.bodies import MAX_JSON_BYTES, BodyTooLarge, JSONRenderer, Kept, StrictJSONParser


def _parse(raw: bytes) -> Any:
    return StrictJSONParser().parse(BytesIO(raw))


def test_body_when_it_is_json_is_read_with_or_without_a_mark_in_front() -> None:
    for marks in ("", "\ufeff", "\ufeff\ufeff"):
        raw = f'{marks}{{"名": [1, 2.5, true, null]}}'.encode()
        assert _parse(raw) == {"名": [1, 2.5, True, None]}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "invalid_json"),
        (b"{'a': 1}", "invalid_json"),
        (b'{"a": 1, "a": 2}', "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b'{"a": Infinity}', "invalid_json"),
        ("退".encode("gbk"), "not_utf8"),
        ('{"a": 1}'.encode("utf-16"), "not_utf8"),
        (b'{"a": "\\u0000"}', "nul_character"),
        (b'{"\\u0000": 1}', "nul_character"),
        (b'["\\ud800"]', "lone_surrogate"),
        (b"[" * 40 + b"]" * 40, "too_deep"),
        (b"[" * 100_000, "too_deep"),
    ],
)
def test_body_when_it_is_not_ours_is_refused_with_the_reason(raw: bytes, code: str) -> None:
    with pytest.raises(ParseError) as refused:
        _parse(raw)
    assert refused.value.get_codes() == code


def test_body_with_a_number_of_thousands_of_digits_is_told_nothing_of_python() -> None:
    with pytest.raises(ParseError, match=r"a number is too long$"):
        _parse(b"[" + b"1" * 5_000 + b"]")


def test_body_when_it_is_gbk_says_so() -> None:
    with pytest.raises(ParseError, match="it is GBK"):
        _parse('{"a": "退款"}'.encode("gb18030"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ['{"order_no": "A1"}', '{"a": "退款"}'])
def test_body_when_it_is_utf_16_with_or_without_its_mark_says_so(text: str, encoding: str) -> None:
    with pytest.raises(ParseError, match="it is UTF-16"):
        _parse(text.encode(encoding))


def test_body_when_it_is_a_byte_too_long_is_refused() -> None:
    longest = b'"' + b"a" * (MAX_JSON_BYTES - 2) + b'"'
    assert len(_parse(longest)) == MAX_JSON_BYTES - 2
    with pytest.raises(BodyTooLarge):
        _parse(longest + b" ")


def test_answer_when_it_is_text_already_is_given_as_it_is() -> None:
    kept = Kept('{"a" : 1}', status=201).render()
    assert (kept.content, kept.status_code, kept.headers["Content-Type"]) == (b'{"a" : 1}', 201, "application/json")
    assert JSONRenderer().render({"退": 1}) == '{"退":1}'.encode()
    assert JSONRenderer().render(None) == b""
