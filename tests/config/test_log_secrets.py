"""What opens something does not stand in logs."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from config.log_secrets import WithoutSecrets
from tests.walk.addresses import example, routes

SECRET = "AaIhgvxmdCCWBjRg6Shf0msKoINoL2nL7qCrXw_ngxQD5syr"


def _written(text: str, *args: Any) -> str:
    record = logging.LogRecord("django.request", logging.WARNING, __file__, 1, text, args, None)
    assert WithoutSecrets().filter(record)
    return record.getMessage()


def test_every_log_line_goes_through_it() -> None:
    for handler in settings.LOGGING["handlers"].values():
        assert "secrets" in handler["filters"]


@pytest.mark.parametrize("route", [route for route in routes() if "token>" in route])
def test_no_address_that_is_a_key_is_written_down(route: str) -> None:
    """A new one that opens something by itself is found here."""
    address = example(route, token=SECRET)
    said = _written("%s: %s", "Unprocessable Entity", address)
    assert SECRET not in said
    assert said.startswith("Unprocessable Entity: ")
    assert "***" in said


@pytest.mark.parametrize("address", ["/r/", "/join/"])
def test_what_django_writes_of_a_refusal_has_no_key(address: str, caplog: pytest.LogCaptureFixture) -> None:
    """As it comes, and as it is written: a refused reset is still good for whoever reads of it."""
    with caplog.at_level(logging.WARNING, logger="django.request"):
        caplog.handler.addFilter(WithoutSecrets())
        Client().put(f"{address}{SECRET}")
    (record,) = caplog.records
    assert SECRET not in record.getMessage()
    assert record.getMessage().endswith(f"{address}***")


@pytest.mark.parametrize(
    "text", ["/desk/refunds/RF-261128-0001", "/api/v1/refund-requests/4711", "a /r and a /joint/x"]
)
def test_other_lines_stay_as_they_are(text: str) -> None:
    assert _written(text) == text
    assert _written("%s in %s ms", text, 3) == f"{text} in 3 ms"
