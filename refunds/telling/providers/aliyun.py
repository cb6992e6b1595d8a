"""SMS through Alibaba Cloud, by its SDK (``alibabacloud-dysmsapi20170525``). A template's variables bear our names.

Codes: https://help.aliyun.com/zh/sms/developer-reference/api-error-codes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core.calendar import SHANGHAI
from refunds.telling.carriers import DeliveryFailed, Text
from refunds.telling.providers.contract import TIMEOUT_S, Provider, Templates, failed, sdk, template

_MODULE = "alibabacloud_dysmsapi20170525"
#: About this number or these words; another try gets the same answer.
_FINAL = frozenset(
    {
        "isv.BLACK_KEY_CONTROL_LIMIT",
        "isv.MOBILE_NUMBER_ILLEGAL",
        "isv.PARAM_LENGTH_LIMIT",
        "isv.TEMPLATE_PARAMS_ILLEGAL",
        "MOBILE_IN_BLACK",
        "VALVE:D_MC",
    }
)
#: Keys, money, signature, template, or limits that the merchant has set at the provider.
_SETTING = (
    "InvalidAccessKey",
    "Forbidden",
    "SignatureDoesNotMatch",
    "isp.RAM_PERMISSION_DENY",
    "isv.ACCOUNT",
    "isv.AMOUNT_NOT_ENOUGH",
    "isv.DAY_LIMIT_CONTROL",
    "isv.INVALID_JSON_PARAM",
    "isv.INVALID_PARAMETERS",
    "isv.MONTH_LIMIT_CONTROL",
    "isv.OUT_OF_SERVICE",
    "isv.PARAM_NOT_SUPPORT_URL",
    "isv.PRODUCT_UN",
    "isv.SIGN",
    "isv.SMS_SIGN",
    "isv.SMS_TEMPLATE",
    "isv.TEMPLATE_MISSING_PARAMETERS",
)
_WAITING, _FAILED = 1, 2


@dataclass(frozen=True, slots=True)
class AliyunSms:
    contract: Mapping[str, str]
    templates: Templates

    def send(self, *, recipient: str, text: Text) -> str:
        chosen = template(self.templates, text)
        answer = self._call(
            "send_sms",
            "SendSmsRequest",
            phone_numbers=recipient.removeprefix("+86"),
            sign_name=self.contract["signature"],
            template_code=chosen.id,
            template_param=json.dumps({name: text.values.get(name, "") for name in chosen.names}, ensure_ascii=False),
        )
        return str(answer.biz_id)

    def has_arrived(self, *, recipient: str, receipt: str, sent_at: datetime) -> bool:
        answer = self._call(
            "query_send_details",
            "QuerySendDetailsRequest",
            phone_number=recipient.removeprefix("+86"),
            biz_id=receipt,
            send_date=sent_at.astimezone(SHANGHAI).strftime("%Y%m%d"),
            page_size=10,
            current_page=1,
        )
        found = answer.sms_send_detail_dtos.sms_send_detail_dto if answer.sms_send_detail_dtos else []
        if not found or found[0].send_status == _WAITING:
            return False
        if found[0].send_status == _FAILED:
            raise DeliveryFailed(f"Aliyun: {found[0].err_code}"[:120], permanent=True)
        return True

    def _call(self, action: str, request: str, **fields: object) -> Any:
        models = sdk(f"{_MODULE}.models")
        errors = sdk("darabonba.exceptions")
        url = urlsplit(settings.CARRIER_URLS["aliyun"])
        config = sdk("alibabacloud_tea_openapi.utils_models").Config(
            access_key_id=self.contract["access_key_id"],
            access_key_secret=self.contract["access_key_secret"],
            protocol=url.scheme,
            endpoint=url.netloc,
            connect_timeout=TIMEOUT_S * 1000,
            read_timeout=TIMEOUT_S * 1000,
        )
        client = sdk(f"{_MODULE}.client").Client(config)
        runtime = sdk("darabonba.runtime").RuntimeOptions(autoretry=False, max_attempts=1)
        try:
            answer = getattr(client, f"{action}_with_options")(getattr(models, request)(**fields), runtime).body
        except errors.UnretryableException:  # no answer
            raise DeliveryFailed("Aliyun: no answer") from None
        except errors.DaraException as error:
            # Without the error itself, here and above: its words have the number that was called for.
            raise failed("Aliyun", str(error.code), final=_FINAL, setting=_SETTING) from None
        if answer.code != "OK":
            raise failed("Aliyun", str(answer.code), final=_FINAL, setting=_SETTING)
        return answer


PROVIDER = Provider(
    kind="aliyun",
    label=_("Alibaba Cloud SMS"),
    medium="sms",
    fields=("access_key_id", "access_key_secret", "signature"),
    secrets=("access_key_secret",),
    carrier=AliyunSms,
    sdk=_MODULE,
)
