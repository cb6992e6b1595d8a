"""SMS through Tencent Cloud, by its SDK (``tencentcloud-sdk-python-sms``, API 2021-01-11).

Codes: https://cloud.tencent.com/document/product/382/55981, section on errors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from refunds.telling.carriers import DeliveryFailed, Text
from refunds.telling.providers.contract import TIMEOUT_S, Provider, Templates, failed, sdk, template

_MODULE = "tencentcloud.sms.v20210111"
#: About this number or these words; another try gets the same answer.
_FINAL = frozenset(
    {
        "FailedOperation.ContainSensitiveWord",
        "FailedOperation.PhoneNumberInBlacklist",
        "InvalidParameterValue.ContentLengthLimit",
        "InvalidParameterValue.IncorrectPhoneNumber",
        "InvalidParameterValue.TemplateParameterLengthLimit",
        "LimitExceeded.PhoneNumberDailyLimit",
        "LimitExceeded.PhoneNumberSameContentDailyLimit",
        "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone",
        "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone",
    }
)
#: Keys, money, signature, template, or limits that the merchant has set at the provider.
_SETTING = (
    "AuthFailure",
    "FailedOperation.InsufficientBalanceInSmsPackage",
    "FailedOperation.MissingSignature",
    "FailedOperation.NotEnterpriseCertification",
    "FailedOperation.SignatureIncorrectOrUnapproved",
    "FailedOperation.Template",
    "InvalidParameterValue.MissingSignatureList",
    "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
    "InvalidParameterValue.SdkAppIdNotExist",
    "InvalidParameterValue.TemplateParameterFormatError",
    "LimitExceeded.AppCountryOrRegionDailyLimit",
    "LimitExceeded.AppDailyLimit",
    "LimitExceeded.AppGlobalDailyLimit",
    "LimitExceeded.AppMainlandChinaDailyLimit",
    "UnauthorizedOperation",
    "UnsupportedRegion",
)


@dataclass(frozen=True, slots=True)
class TencentSms:
    contract: Mapping[str, str]
    templates: Templates

    def send(self, *, recipient: str, text: Text) -> str:
        chosen = template(self.templates, text)
        answer = self._call(
            "SendSms",
            PhoneNumberSet=[_e164(recipient)],
            SmsSdkAppId=self.contract["sdk_app_id"],
            SignName=self.contract["signature"],
            TemplateId=chosen.id,
            TemplateParamSet=[text.values.get(name, "") for name in chosen.names],
        )
        (status,) = answer.SendStatusSet
        if status.Code != "Ok":
            raise failed("Tencent", status.Code, final=_FINAL, setting=_SETTING)
        return str(status.SerialNo)

    def has_arrived(self, *, recipient: str, receipt: str, sent_at: datetime) -> bool:
        answer = self._call(
            "PullSmsSendStatusByPhoneNumber",
            BeginTime=int(sent_at.timestamp()) - 60,
            Offset=0,
            Limit=100,
            PhoneNumber=_e164(recipient),
            SmsSdkAppId=self.contract["sdk_app_id"],
        )
        for status in answer.PullSmsSendStatusSet:
            if status.SerialNo == receipt:
                if status.ReportStatus == "FAIL":
                    raise DeliveryFailed(f"Tencent: {status.Description}"[:120], permanent=True)
                return bool(status.ReportStatus == "SUCCESS")
        return False

    def _call(self, action: str, **fields: object) -> Any:
        client_module, models = sdk(f"{_MODULE}.sms_client"), sdk(f"{_MODULE}.models")
        errors = sdk("tencentcloud.common.exception.tencent_cloud_sdk_exception")
        url = urlsplit(settings.CARRIER_URLS["tencent"])
        http = sdk("tencentcloud.common.profile.http_profile").HttpProfile(
            protocol=url.scheme, endpoint=url.netloc, reqTimeout=TIMEOUT_S
        )
        client = client_module.SmsClient(
            sdk("tencentcloud.common.credential").Credential(self.contract["secret_id"], self.contract["secret_key"]),
            self.contract.get("region") or "ap-guangzhou",
            sdk("tencentcloud.common.profile.client_profile").ClientProfile(httpProfile=http),
        )
        request = getattr(models, f"{action}Request")()
        for name, value in fields.items():
            setattr(request, name, value)
        try:
            return getattr(client, action)(request)
        except errors.TencentCloudSDKException as error:
            raise failed("Tencent", str(error.code), final=_FINAL, setting=_SETTING) from None


def _e164(phone: str) -> str:
    return phone if phone.startswith("+") else f"+86{phone}"


PROVIDER = Provider(
    kind="tencent",
    label=_("Tencent Cloud SMS"),
    medium="sms",
    fields=("secret_id", "secret_key", "sdk_app_id", "signature", "region"),
    secrets=("secret_key",),
    optional=("region",),
    carrier=TencentSms,
    sdk="tencentcloud",
)
