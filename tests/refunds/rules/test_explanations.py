"""Every line of a verdict in words."""

from __future__ import annotations

import pytest
from django.utils import translation

from refunds.rules import explanations


@pytest.mark.parametrize("code", sorted(explanations.RULES))
def test_every_sentence_is_translated(code: str) -> None:
    for text in explanations.RULES[code]:
        with translation.override("zh-hans"):
            chinese = str(text)
        with translation.override("en"):
            assert chinese != str(text)
        assert any("\u4e00" <= character <= "\u9fff" for character in chinese)


def test_amounts_have_separators_in_the_sentence_and_beside_it() -> None:
    line = {"code": "auto_approve_limit", "passed": False, "actual": "1299.00", "limit": "100.00"}
    assert "¥1,299.00" in explanations.explain(line)
    assert explanations.shown(line) == "¥1,299.00 / ¥100.00"
