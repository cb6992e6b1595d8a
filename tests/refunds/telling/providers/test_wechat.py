"""WeChat: its codes and its token."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.refunds.telling.providers.conftest import TEXT, Providers
from tests.refunds.telling.providers.test_registry import carrier_of, fault_of

_SEND = "/cgi-bin/message/subscribe/send"


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (43101, "final"),
        (47003, "setting"),
        (40037, "setting"),
        (-1, "later"),
    ],
)
def test_send_when_refused_tells_final_from_settings_from_later(providers: Providers, code: object, fault: str) -> None:
    providers.codes = {_SEND: [code]}
    assert fault_of("wechat") == fault


def test_token_is_fetched_once_and_renewed_once_when_it_is_refused(providers: Providers) -> None:
    carrier = carrier_of("wechat")
    for _ in range(2):
        carrier.send(recipient="openid-1", text=TEXT)
    assert [call["force_refresh"] for call in providers.named("/cgi-bin/stable_token")] == [False]
    # Somebody else had it renewed: ours is refused.
    providers.tokens.append("theirs")
    carrier.send(recipient="openid-1", text=TEXT)
    assert [call["force_refresh"] for call in providers.named("/cgi-bin/stable_token")] == [False, True]
    providers.codes = {_SEND: [42001, 42001]}
    assert fault_of("wechat") == "later"
    assert len(providers.named("/cgi-bin/stable_token")) == 3, "once, and not for ever"


def test_values_when_longer_than_a_field_holds_are_cut(providers: Providers) -> None:
    long = replace(TEXT, values={**TEXT.values, "number": "R" * 30})
    carrier_of("wechat").send(recipient="openid-1", text=long)
    (sent,) = providers.named(_SEND)
    assert sent["data"]["thing2"]["value"] == f"退款单{'R' * 16}…"
