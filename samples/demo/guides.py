"""The sample merchants' guides beside the form: what staff do step by step, by kind of refund."""

from __future__ import annotations

_EVERYWHERE: dict[str, dict[str, str]] = {
    "service_failure": {
        "zh": "1. 先道歉，听顾客说完。\n2. 记录时间、桌号或收银员、发生了什么。\n3. 按影响程度给出部分退款，并与顾客确认金额。\n"
        "4. 顾客仍不满意：请店长处理，不要争执。",
        "en": "1. Apologise and hear the customer out.\n2. Note time, table or cashier, and what happened.\n"
        "3. Offer a part by how much it hurt, and agree on the amount.\n4. Still not content: fetch the manager, do not argue.",
    },
    "price_adjustment": {
        "zh": "1. 核对小票价与标价、活动时间。\n2. 只退差额；把标价牌或活动页拍照留证。\n3. 当天把错价报告店长改正。",
        "en": "1. Compare the receipt with tag and campaign dates.\n2. Refund the difference only; take a picture of the tag.\n"
        "3. Report the wrong price to the manager the same day.",
    },
    "wrong_amount": {
        "zh": "1. 核对小票、付款记录和实际商品。\n2. 道歉，退还多收的差额。\n3. 少收的不追讨；向店长说明。",
        "en": "1. Compare receipt, payment record and goods.\n2. Apologise and refund what was charged too much.\n"
        "3. Do not chase what was charged too little; tell the manager.",
    },
    "duplicate_charge": {
        "zh": "1. 在交易页找到两笔付款：同一订单、同一金额、相隔几分钟。\n2. 两笔都显示成功才退其中一笔。\n"
        "3. 只找到一笔：请顾客出示付款记录，交审核人判断。",
        "en": "1. Find both payments: one order, one amount, minutes apart.\n2. Refund one of them only if both succeeded.\n"
        "3. Only one is found: ask for the payment record and let a reviewer decide.",
    },
    "system_fault": {
        "zh": "1. 不要重复收款；先查交易状态。\n2. 记下故障时间、收银机和提示。\n3. 已扣款而未出单：按全额退款；"
        "部分完成：退未完成部分。\n"
        "4. 故障超过 10 分钟：通知服务商并告诉店长。",
        "en": "1. Do not charge again; look the payment up first.\n2. Note time, till and message.\n"
        "3. Charged and not served: refund all of it; served in part: the rest.\n"
        "4. Longer than 10 minutes: call the provider and tell the manager.",
    },
    "customer_cancelled": {
        "zh": "1. 确认商品或菜品尚未制作、发出。\n2. 已开始制作：说明原因，请店长决定。\n3. 全额原路退回，告知到账时间。",
        "en": "1. Make sure that nothing was made or sent yet.\n2. Already begun: say so, and let the manager decide.\n"
        "3. Refund all of it on the original route and say when it arrives.",
    },
    "deposit": {
        "zh": "1. 看书面条款：定金、订金还是押金。\n2. 订金、押金退还；押金扣款须有凭证。\n"
        "3. 定金：顾客违约不退，我方违约双倍，均由负责人决定。",
        "en": "1. Read the written terms: which kind of deposit it is.\n2. 订金 and 押金 go back; a deduction needs proof.\n"
        "3. 定金: forfeited by a customer who withdraws, doubled if we do; head office decides.",
    },
    "no_receipt": {
        "zh": "1. 用时间、金额、卡尾号或手机尾号中的两项找交易。\n2. 找到：按平常退款。\n3. 找不到：不退现金，交店长核对。",
        "en": "1. Find the sale by two of time, amount, end of card or phone.\n2. Found: refund as usual.\n"
        "3. Not found: no cash; let the manager look.",
    },
    "goodwill": {
        "zh": "1. 先考虑换货、重做或代金券。\n2. 写明为什么破例，金额从低。\n3. 一律由审核人决定。",
        "en": "1. Think of an exchange or a voucher first.\n2. Write why this is an exception; keep it small.\n"
        "3. A reviewer decides every one.",
    },
}

RESTAURANT: dict[str, dict[str, str]] = {
    "goods_return": {
        "zh": "1. 看菜：异物、未熟、上错，当场拍照或请同事作证。\n2. 先问是否重做或换菜。\n3. "
        "顾客要退：退这道菜的全额，不收回菜品。\n"
        "4. 已制作的菜没有质量问题不退。",
        "en": "1. Look at the dish; take a picture or call a colleague as witness.\n2. Offer to make it again or another dish.\n"
        "3. If they want the money: all of that dish; it does not come back.\n4. What was cooked and is good is not refunded.",
    },
    **_EVERYWHERE,
}

RETAIL: dict[str, dict[str, str]] = {
    "goods_return": {
        "zh": "1. 核对小票和商品编号。\n2. 检查商品：质量问题拍照；无理由退货须未使用、配件齐全。\n3. 先问是否换货或维修。\n"
        "4. 收回商品，选择原因，确认金额后提交。\n5. 质量问题七天内无条件退，运费由我们承担。",
        "en": "1. Compare receipt and article number.\n2. Look at the goods: a picture of the fault; without one they must be "
        "unused and complete.\n3. Offer an exchange or a repair.\n4. Take the goods back, choose the reason, "
        "confirm the amount.\n"
        "5. Faulty goods: within seven days without conditions, and we bear the freight.",
    },
    **_EVERYWHERE,
}
