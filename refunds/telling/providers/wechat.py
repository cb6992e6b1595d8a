"""WeChat's subscription messages of a mini program: ``subscribe/send`` with a stable token, which other holders may share.

https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-message-management/subscribe-message/sendMessage.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3
from django.conf import settings
from django.core.cache import cache
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from refunds.telling.carriers import DeliveryFailed, Text
from refunds.telling.providers.contract import TIMEOUT_S, Provider, Templates, failed, template

#: The token is not, or no longer, good; a new one is fetched once.
_TOKEN = frozenset({40001, 40014, 42001})
#: The customer refused (43101), is none of this program's (40003), or the words are not allowed to them (45168).
_FINAL = frozenset({"40003", "43101", "45168"})
#: App id, secret, callers' addresses, template and its fields, quota, a ban.
_SETTING = (
    *("40001", "40013", "40037", "40125", "40164", "40243", "41028", "41030", "41033", "43107", "45009", "47003"),
    *("48001", "48004", "50002", "89503"),
)
#: A token is renewed this long before it expires.
_BEFORE_S = 300
#: What a field of a template holds at most, by the letters of its name (the document's table of parameters).
_LONGEST = {"thing": 20, "number": 32, "letter": 32, "symbol": 5, "character_string": 32, "phrase": 5, "const": 20}


@dataclass(frozen=True, slots=True)
class WeChatMessage:
    contract: Mapping[str, str]
    templates: Templates

    def send(self, *, recipient: str, text: Text) -> str:
        chosen = template(self.templates, text)
        body: dict[str, Any] = {
            "touser": recipient,
            "template_id": chosen.id,
            "data": {name: {"value": value} for name, value in _fields(chosen.filled(text.values))},
            "lang": "en_US" if text.key.endswith("/en") else "zh_CN",
        }
        if page := self.contract.get("page"):
            body["page"] = f"{page}{'&' if '?' in page else '?'}number={text.values.get('number', '')}"
        code = self._send(body, self._token())
        if code in _TOKEN:
            code = self._send(body, self._token(renew=True))
        if code:
            raise failed("WeChat", str(code), final=_FINAL, setting=_SETTING)
        return "accepted"

    def _send(self, body: Mapping[str, Any], token: str) -> int:
        return int(_called(f"/cgi-bin/message/subscribe/send?access_token={token}", body).get("errcode", 0))

    def _token(self, *, renew: bool = False) -> str:
        named = salted_hmac("refunds.telling.providers.wechat", json.dumps(dict(self.contract), sort_keys=True))
        key = f"wechat-token:{named.hexdigest()}"
        if not renew and (kept := cache.get(key)):
            return str(kept)
        asked = {"grant_type": "client_credential", "appid": self.contract["appid"], "secret": self.contract["secret"]}
        answer = _called("/cgi-bin/stable_token", {**asked, "force_refresh": renew})
        if "access_token" not in answer:
            raise failed("WeChat", str(answer.get("errcode")), final=frozenset(), setting=_SETTING)
        cache.set(key, answer["access_token"], timeout=max(1, int(answer["expires_in"]) - _BEFORE_S))
        return str(answer["access_token"])


def _fields(said: str) -> list[tuple[str, str]]:
    """``thing1=…``, a line each."""
    pairs = (line.partition("=") for line in said.splitlines() if "=" in line)
    return [(name.strip(), _cut(name.strip(), value.strip())) for name, _, value in pairs]


def _cut(name: str, value: str) -> str:
    longest = _LONGEST.get(name.rstrip("0123456789"), 0)
    return value if not longest or len(value) <= longest else f"{value[: longest - 1]}…"


def _called(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        answer = urllib3.request(
            "POST",
            f"{settings.CARRIER_URLS['wechat']}{path}",
            body=json.dumps(body, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json"},
            timeout=TIMEOUT_S,
            retries=False,
        )
        said: dict[str, Any] = answer.json()
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        # Never the address: the token is part of it.
        raise DeliveryFailed(f"WeChat: {type(error).__name__}") from None
    return said


PROVIDER = Provider(
    kind="wechat",
    label=_("WeChat"),
    medium="wechat",
    fields=("appid", "secret", "page"),
    secrets=("secret",),
    optional=("page",),
    carrier=WeChatMessage,
)
