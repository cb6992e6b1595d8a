"""Stores, tills, channel accounts and personal data, at the desk."""

from __future__ import annotations

from typing import Any

from merchants.models import Role, Store
from terminals.models import Terminal
from tests.walk.cases import case
from tests.walk.stage import Stage, fresh

_SETTINGS = "/desk/settings"


@case("GET", _SETTINGS)
def settings(stage: Stage) -> None:
    assert "Tills" in stage.get(Role.OWNER, _SETTINGS)


@case("GET", f"{_SETTINGS}/stores")
def stores(stage: Stage) -> None:
    assert "S001" in stage.get(Role.OWNER, f"{_SETTINGS}/stores")


@case("POST", f"{_SETTINGS}/stores")
def open_store(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_SETTINGS}/stores", code="S002", name="西湖店", phone="", address="")
    assert Store.objects.get(code="S002").merchant == stage.merchant


@case("GET", f"{_SETTINGS}/stores/<str:code>")
def store(stage: Stage) -> None:
    assert "S001" in stage.get(Role.OWNER, f"{_SETTINGS}/stores/S001")


@case("POST", f"{_SETTINGS}/stores/<str:code>")
def change_store(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_SETTINGS}/stores/S001", name="西湖店", phone="", address="")
    assert Store.objects.get(code="S001").name == "西湖店"


@case("POST", f"{_SETTINGS}/stores/<str:code>/close")
@case("POST", f"{_SETTINGS}/stores/<str:code>/reopen")
def close_and_reopen_store(stage: Stage) -> None:
    for act, is_closed in (("close", True), ("reopen", False)):
        stage.post(Role.OWNER, f"{_SETTINGS}/stores/S001/{act}")
        assert (Store.objects.get(code="S001").closed_at is not None) == is_closed


@case("GET", f"{_SETTINGS}/terminals")
def tills(stage: Stage) -> None:
    assert "POS-01" in stage.get(Role.MANAGER, f"{_SETTINGS}/terminals")


@case("POST", f"{_SETTINGS}/terminals")
def register_till(stage: Stage) -> None:
    stage.post(Role.MANAGER, f"{_SETTINGS}/terminals", code="POS-09", name="", store="S001")
    assert Terminal.objects.get(code="POS-09").refunds_enabled


@case("POST", f"{_SETTINGS}/terminals/newest")
def newest_software(stage: Stage) -> None:
    stage.post(Role.MANAGER, f"{_SETTINGS}/terminals/newest", version="5.0")
    stage.merchant.refresh_from_db()
    assert stage.merchant.newest_software_version == "5.0"


_TILL = f"{_SETTINGS}/terminals/<int:terminal_id>"


def _till() -> str:
    return f"{_SETTINGS}/terminals/{Terminal.objects.get().pk}"


@case("GET", _TILL)
def till(stage: Stage) -> None:
    assert "POS-01" in stage.get(Role.MANAGER, _till())


@case("POST", _TILL)
def change_till(stage: Stage) -> None:
    stage.post(Role.MANAGER, _till(), name="西门", store="S001", next_service_date="2027-03-01")
    assert Terminal.objects.get().name == "西门"


@case("POST", f"{_TILL}/refunds")
def switch_till(stage: Stage) -> None:
    stage.post(Role.MANAGER, f"{_till()}/refunds", reason="盘点")
    assert Terminal.objects.get().refunds_off_reason == "盘点"


_ACCOUNTS = f"{_SETTINGS}/channel-accounts"


_ACCOUNT = f"{_ACCOUNTS}/<str:code>"


@case("GET", _ACCOUNTS)
def channel_accounts(stage: Stage) -> None:
    assert stage.account.code in stage.get(Role.OWNER, _ACCOUNTS)


@case("GET", f"{_ACCOUNTS}/new/<str:channel>")
def new_channel_account(stage: Stage) -> None:
    assert "api_v3_key" not in stage.get(Role.OWNER, f"{_ACCOUNTS}/new/alipay")


@case("POST", f"{_ACCOUNTS}/new/<str:channel>")
def open_channel_account(stage: Stage) -> None:
    given: dict[str, Any] = stage.account.credentials
    stage.post(Role.OWNER, f"{_ACCOUNTS}/new/wechat", **given, store="*", replaces="1")
    stage.account.refresh_from_db()
    assert not stage.account.is_active


@case("GET", _ACCOUNT)
def channel_account(stage: Stage) -> None:
    assert "mchid" in stage.get(Role.OWNER, f"{_ACCOUNTS}/{stage.account.code}")


@case("POST", _ACCOUNT)
def change_contract(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_ACCOUNTS}/{stage.account.code}", max_partials="7")
    stage.account.refresh_from_db()
    assert stage.account.profile.max_partials == 7


@case("POST", f"{_ACCOUNT}/credentials")
def rotate_credentials(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_ACCOUNTS}/{stage.account.code}/credentials", api_v3_key="n" * 32, overlap="24h")
    stage.account.refresh_from_db()
    assert stage.account.credentials["api_v3_key"] == "n" * 32


@case("POST", f"{_ACCOUNT}/test")
def try_connection(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_ACCOUNTS}/{stage.account.code}/test")
    stage.account.refresh_from_db()
    assert stage.account.test_word == "works"


@case("POST", f"{_ACCOUNT}/close")
def close_channel_account(stage: Stage) -> None:
    code = stage.account.code
    stage.post(Role.OWNER, f"{_ACCOUNTS}/{code}/close", typed=code)
    stage.account.refresh_from_db()
    assert not stage.account.is_active


@case("GET", f"{_SETTINGS}/personal-data")
def personal_data(stage: Stage) -> None:
    assert "1095" in stage.get(Role.OWNER, f"{_SETTINGS}/personal-data")


@case("POST", f"{_SETTINGS}/personal-data")
def change_term(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_SETTINGS}/personal-data", days="400")
    stage.merchant.refresh_from_db()
    assert stage.merchant.retention_days == 400


@case("POST", f"{_SETTINGS}/personal-data/erase")
def erase_person(stage: Stage) -> None:
    request = stage.in_review(phone="13800006021")
    stage.act(Role.MANAGER, request, "cancel")
    form: dict[str, Any] = {"phone": "138 0000 6021", "again": "13800006021", "reason": "本人要求"}
    stage.post(Role.OWNER, f"{_SETTINGS}/personal-data/erase", **form)
    assert fresh(request).customer_phone == ""
