"""Providers on this machine: they speak the wire protocols of Tencent Cloud, Alibaba Cloud and WeChat, and check signatures."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings

from refunds.telling.carriers import Text
from refunds.telling.providers.contract import Template

TENCENT = {"secret_id": "AKIDexample", "secret_key": "tc-key", "sdk_app_id": "1400006666", "signature": "鲜禾生活"}
ALIYUN = {"access_key_id": "LTAIexample", "access_key_secret": "ali-key", "signature": "鲜禾生活"}
WECHAT = {"appid": "wx0001", "secret": "wx-secret", "page": "pages/refund"}
PHONE = "13800006021"
TEXT = Text("", "¥268.00 已退回微信零钱", key="refunded/zh-hans", values={"amount": "268.00", "number": "RF-1"})
TEMPLATES = {
    "refunded/zh-hans": Template("T-1", "【鲜禾生活】退款{amount}元已到账，单号{number}。共{amount}元"),
}
WECHAT_TEMPLATES = {"refunded/zh-hans": Template("W-1", "amount1=¥{amount}\nthing2=退款单{number}\n")}


@dataclass
class Providers:
    """What came in; what the next answers are. A call whose signature is wrong is answered as the provider answers it."""

    url: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    #: What is answered next, by the action; the usual answer after that.
    codes: dict[str, list[Any]] = field(default_factory=dict)
    status: int = 200
    tokens: list[str] = field(default_factory=list)

    def next_code(self, action: str, usual: Any) -> Any:
        waiting = self.codes.get(action)
        return waiting.pop(0) if waiting else usual

    def named(self, action: str) -> list[dict[str, Any]]:
        return [body for name, body in self.calls if name == action]


@pytest.fixture
def providers(settings: Settings) -> Iterator[Providers]:
    kept = Providers()

    class Handler(_Handler):
        providers = kept

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kept.url = f"http://127.0.0.1:{server.server_port}"
    settings.CARRIER_URLS = dict.fromkeys(("tencent", "aliyun", "wechat"), kept.url)
    cache.clear()
    yield kept
    server.shutdown()
    server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    providers: Providers

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "X-TC-Action" in self.headers:
            answer = self._tencent(raw)
        elif "x-acs-action" in self.headers:
            answer = self._aliyun(raw)
        else:
            answer = self._wechat(raw)
        body = json.dumps(answer).encode()
        self.send_response(self.providers.status if self.providers.status != 200 else self._answered)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    _answered = 200

    def log_message(self, *_args: object) -> None:
        """Quiet."""

    def _canonical(self, names: str, query: str, digest: str) -> str:
        headers = "".join(f"{name}:{(self.headers[name] or '').strip()}\n" for name in names.split(";"))
        return "\n".join([self.command, "/", query, headers, names, digest])

    def _tencent(self, raw: bytes) -> dict[str, Any]:
        action, at = self.headers["X-TC-Action"], int(self.headers["X-TC-Timestamp"])
        said = dict(one.strip().split("=", 1) for one in self.headers["Authorization"].split(" ", 1)[1].split(","))
        date = said["Credential"].split("/")[1]
        canonical = self._canonical(said["SignedHeaders"], "", hashlib.sha256(raw).hexdigest())
        to_sign = "\n".join(
            ["TC3-HMAC-SHA256", str(at), f"{date}/sms/tc3_request", hashlib.sha256(canonical.encode()).hexdigest()]
        )
        key = f"TC3{TENCENT['secret_key']}".encode()
        for part in (date, "sms", "tc3_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        if hmac.digest(key, to_sign.encode(), "sha256").hex() != said["Signature"]:
            return {"Response": {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": ""}, "RequestId": "1"}}
        body = json.loads(raw)
        self.providers.calls.append((action, body))
        if action == "SendSms":
            code = self.providers.next_code(action, "Ok")
            if code == "InternalError":
                return {"Response": {"Error": {"Code": code, "Message": ""}, "RequestId": "1"}}
            status = {"SerialNo": "5000:1" if code == "Ok" else "", "PhoneNumber": body["PhoneNumberSet"][0]}
            return {"Response": {"SendStatusSet": [{**status, "Fee": 1, "Code": code}], "RequestId": "1"}}
        reports = [
            {"SerialNo": serial, "ReportStatus": status, "Description": said}
            for serial, status, said in self.providers.next_code(action, [])
        ]
        return {"Response": {"PullSmsSendStatusSet": reports, "RequestId": "1"}}

    def _aliyun(self, raw: bytes) -> dict[str, Any]:
        action, query = self.headers["x-acs-action"], urlsplit(self.path).query
        said = dict(one.split("=", 1) for one in self.headers["Authorization"].split(" ", 1)[1].split(","))
        ordered = "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in sorted(parse_qsl(query)))
        digest = hashlib.sha256(raw).hexdigest()
        canonical = self._canonical(said["SignedHeaders"], ordered, digest)
        to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        expected = hmac.digest(ALIYUN["access_key_secret"].encode(), to_sign.encode(), "sha256").hex()
        if expected != said["Signature"] or self.headers["x-acs-content-sha256"] != digest:
            self._answered = 400
            return {"Code": "SignatureDoesNotMatch", "Message": "", "RequestId": "1"}
        body = dict(parse_qsl(query))
        self.providers.calls.append((action, body))
        if action == "SendSms":
            code = self.providers.next_code(action, "OK")
            return {"Code": code, "BizId": "9006^1", "Message": code, "RequestId": "1"}
        details = [{"SendStatus": status, "ErrCode": code} for status, code in self.providers.next_code(action, [])]
        return {"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": details}, "RequestId": "1"}

    def _wechat(self, raw: bytes) -> dict[str, Any]:
        parts, body = urlsplit(self.path), json.loads(raw)
        self.providers.calls.append((parts.path, body))
        if parts.path == "/cgi-bin/stable_token":
            if (body["appid"], body["secret"]) != (WECHAT["appid"], WECHAT["secret"]):
                return {"errcode": 40125, "errmsg": "invalid appsecret"}
            self.providers.tokens.append(f"token-{len(self.providers.tokens)}")
            return {"access_token": self.providers.tokens[-1], "expires_in": 7200}
        if dict(parse_qsl(parts.query))["access_token"] != self.providers.tokens[-1]:
            return {"errcode": 40001, "errmsg": "invalid credential"}
        return {"errcode": self.providers.next_code(parts.path, 0), "errmsg": ""}
