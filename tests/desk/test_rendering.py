"""Names that a template asks for."""

from __future__ import annotations

import pytest
from django.http import HttpRequest
from django.template import engines

from desk.bulk.view import Allowed


def test_template_when_a_page_has_no_such_name_fails() -> None:
    template = engines["django"].from_string("{{ item.number }} {{ item.nummer|dash }}")
    with pytest.raises(pytest.fail.Exception, match="nummer"):
        template.render({"item": Allowed("RF-1", 100, "RF-1@1", overdue=False)}, HttpRequest())
