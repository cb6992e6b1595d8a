"""RSA2 both ways, over exact texts: opendocs.alipay.com/common/02mse7 and 02mriz."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl

from aiohttp import web

from simulators.alipay.errors import Refusal
from simulators.alipay.keys import AlipayKeys

_NEEDED = ("app_id", "method", "sign", "sign_type", "timestamp", "version")
CHARSETS = {"utf-8", "gbk"}


async def read_parameters(request: web.Request) -> dict[str, str]:
    """Parameters of the address and of the form, as SDKs spread them over both."""
    charset = request.query.get("charset", "utf-8").lower()
    encoding = charset if charset in CHARSETS else "utf-8"
    body = (await request.read()).decode("ascii", "replace")
    found = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True, encoding=encoding)
    return dict([*found, *parse_qsl(body, keep_blank_values=True, encoding=encoding)])


def check_request(parameters: Mapping[str, str], *, keys: AlipayKeys) -> None:
    """The request is the application's own. Raises Refusal."""
    for name in _NEEDED:
        if not parameters.get(name):
            words = name.replace("_", "-").replace("sign", "signature")
            raise Refusal("40001", f"isv.missing-{words}", f"缺少 {name} 参数", anonymous=name in {"app_id", "method"})
    if parameters["app_id"] != keys.app_id:
        raise Refusal("40002", "isv.invalid-app-id", "无效的 AppID 参数", anonymous=True)
    if parameters["sign_type"] != "RSA2":
        raise Refusal("40002", "isv.invalid-signature-type", "无效的签名类型")
    if parameters.get("charset", "").lower() not in CHARSETS:
        raise Refusal("40002", "isv.invalid-charset", "字符集错误")
    by_certificate = (parameters.get("app_cert_sn", ""), parameters.get("alipay_root_cert_sn", ""))
    if any(by_certificate) and by_certificate != (keys.app_cert_sn, keys.root_cert_sn):
        # (g) The vendor's sub_code for a certificate that it does not know.
        raise Refusal("40002", "isv.invalid-app-cert-sn", "应用证书或根证书序列号不匹配")
    if parameters["version"] != "1.0" or parameters.get("format", "JSON").upper() != "JSON":
        raise Refusal("40002", "isv.invalid-parameter", "version 必须为 1.0，format 必须为 JSON")
    try:
        datetime.strptime(parameters["timestamp"], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the form alone is checked
    except ValueError as error:
        raise Refusal("40002", "isv.invalid-timestamp", "非法的时间戳参数") from error
    signed = signing_text(parameters, without={"sign"}).encode(parameters["charset"].lower(), "replace")
    try:
        signature = base64.b64decode(parameters["sign"], validate=True)
    except binascii.Error:
        signature = b""
    if not keys.verifies(signed, signature):
        raise Refusal("40002", "isv.invalid-signature", "验签出错，请检查签名、待签名字符串与密钥是否匹配")


def signing_text(parameters: Mapping[str, str], *, without: set[str]) -> str:
    """Non-empty parameters, sorted, as ``k=v&k=v``."""
    return "&".join(f"{name}={value}" for name, value in sorted(parameters.items()) if value and name not in without)


def signed_answer(
    method: str,
    payload: Mapping[str, object],
    *,
    keys: AlipayKeys,
    charset: str,
    fault: str = "",
    anonymous: bool = False,
    cert_sn: str = "",
) -> bytes:
    """``{"xxx_response":{...},"sign":"..."}``: the signature is over the exact raw text of the object. ``alipay_cert_sn`` stands
    beside it where the application signs with certificates.

    The gateway writes slashes as ``\\/``, so that a caller that serialises anew before it checks is found out.
    """
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
    if anonymous:
        return f'{{"error_response":{text}}}'.encode(charset)
    sign = base64.b64encode(keys.sign(text.encode(charset))).decode()
    if fault == "bad_signature":
        sign = base64.b64encode(secrets.token_bytes(256)).decode()
    elif fault == "tampered_response":
        text = text.replace('"msg":"Success"', '"msg":"success"', 1)
    name = f"{method.replace('.', '_')}_response"
    tail = "" if fault == "no_signature" else f',"sign":"{sign}"'
    if cert_sn:
        tail = f',"alipay_cert_sn":"{secrets.token_hex(16) if fault == "other_certificate" else cert_sn}"{tail}'
    return f'{{"{name}":{text}{tail}}}'.encode(charset)


def signed_notice(parameters: dict[str, str], *, keys: AlipayKeys, fault: str) -> dict[str, str]:
    """A notice's parameters with sign_type and sign, spoiled as the fault says."""
    signature = keys.sign(signing_text(parameters, without={"sign", "sign_type"}).encode())
    if fault == "bad_signature":
        signature = secrets.token_bytes(256)
    signed = {**parameters, "sign_type": "RSA2", "sign": base64.b64encode(signature).decode()}
    if fault == "tampered":
        signed["refund_fee"] = f"{signed.get('refund_fee', '')}0"
    return signed
