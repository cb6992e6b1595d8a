"""Whose list a file is, by its header."""

from __future__ import annotations

import pytest

from payment_channels.acquirers import named_in, named_in_workbook


@pytest.mark.parametrize(
    ("text", "acquirer"),
    [
        ("交易时间,终端号,交易类型,交易金额,清算金额,手续费,检索号,商户号,银商订单号\n", "ums"),
        ("拉卡拉商户对账单\n商户编号,交易时间,终端号,交易金额,手续费\n", "lakala"),
        ("门店,收钱吧订单号,支付通道,交易金额\n", "shouqianba"),
        ('"商户号";"终端号";"交易类型";"发卡行机构代码";"交易金额"\n', "allinpay"),
        ("id,created,order_no,channel,amount\nch_Hm5uTSifDOuTy9iLeLPSurrD,1,2,wx,100\n", "pingxx"),
        ("商户编码,终端编码,交易类型,交易金额,检索参考号\n", "other"),
        # What stands in a row names nobody, and a channel's own header is none of an acquirer's.
        ("交易时间,微信订单号,商户订单号,交易状态,订单金额,商品名称\n`1,`2,`3,`SUCCESS,`1.00,`拉卡拉收款\n", ""),
        ("支付宝交易号,商户订单号,业务类型,商品名称,完成时间,门店编号,订单金额(元),商家实收(元)\n", ""),
        ("商户号,交易金额\n", ""),
        ("", ""),
    ],
)
def test_list_is_named_by_its_header(text: str, acquirer: str) -> None:
    assert named_in(text) == acquirer


@pytest.mark.parametrize(("held", "acquirer"), [("通联支付", "allinpay"), ("微信支付", "")])
def test_old_workbook_is_named_by_its_texts(held: str, acquirer: str) -> None:
    assert named_in_workbook(b"\xd0\xcf\x11\xe0\0" + held.encode("utf-16-le")) == acquirer
