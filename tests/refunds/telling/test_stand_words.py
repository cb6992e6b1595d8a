"""Every stand has its sentence, in both languages."""

import re

import pytest
from django.utils import translation

from refunds.telling.stand_words import TABLE
from refunds.telling.stands import Stand

LANGUAGES = ("zh-hans", "en")


@pytest.mark.parametrize("where", list(Stand))
def test_table_has_every_stand_in_both_languages_and_only_days_are_open(where: Stand) -> None:
    said = TABLE[where]
    for text in (said.staff, said.step, said.customer, said.late, said.headline, said.note):
        spoken = []
        for language in LANGUAGES:
            with translation.override(language):
                spoken.append(str(text))
        assert not text or spoken[0] != spoken[1], spoken
        assert {name for one in spoken for name in re.findall(r"%\((\w+)\)", one)} <= {"day"}
    assert said.staff
    assert said.step
