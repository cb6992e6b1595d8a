"""The codes that the gateway and its operations answer, as data: sub-code -> words.

After the vendor's lists: opendocs.alipay.com/open/02ekfk (refund), .../02ekfl (refund query), .../02ekfh (trade query),
.../02ekfr (cancel), opendocs.alipay.com/common/02km9f (every operation). Words are shortened.
"""

from __future__ import annotations

#: 40004, of alipay.trade.refund.
REFUND = {
    "ACQ.SYSTEM_ERROR": "系统错误",
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": "商户的支付宝账户中无足够的资金进行退款",
    "ACQ.INVALID_PARAMETER": "参数无效",
    "ACQ.TRADE_NOT_EXIST": "交易不存在",
    "ACQ.TRADE_HAS_FINISHED": "交易已完结",
    "ACQ.TRADE_STATUS_ERROR": "交易状态非法",
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": "退款金额超限",
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": "退款金额无效",
    "ACQ.REASON_TRADE_BEEN_FREEZEN": "请求退款的交易被冻结",
    "ACQ.DISCORDANT_REPEAT_REQUEST": "请求信息不一致",
    "ACQ.TRADE_NOT_ALLOW_REFUND": "当前交易不允许退款",
    "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR": "退分账金额超限",
    "ACQ.BUYER_ENABLE_STATUS_FORBID": "买家状态异常",
    "ACQ.BUYER_ERROR": "买家状态异常",
    "ACQ.BUYER_NOT_EXIST": "买家不存在",
    "ACQ.CURRENCY_NOT_SUPPORT": "退款币种不支持",
    "ACQ.CUSTOMER_VALIDATE_ERROR": "账户已注销或者被冻结",
    "ACQ.ENTERPRISE_PAY_BIZ_ERROR": "因公付业务异常",
    "ACQ.NOT_ALLOW_PARTIAL_REFUND": "不支持部分退款",
    "ACQ.ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND": "交易不允许退款",
    "ACQ.OVERDRAFT_AGREEMENT_NOT_MATCH": "垫资退款与签约配置不一致",
    "ACQ.OVERDRAFT_ASSIGN_ACCOUNT_INVALID": "垫资退款出资账号与商户不一致",
    "ACQ.REASON_TRADE_STATUS_INVALID": "交易状态异常",
    "ACQ.REFUNDALLOC_UNAUTH_LIMIT": "分账接收方未开启分账回退",
    "ACQ.REFUND_ACCOUNT_NOT_EXIST": "退款出资账号不存在或账号异常",
    "ACQ.REFUND_CHARGE_ERROR": "退收费异常",
    "ACQ.REFUND_FEE_ERROR": "交易退款金额有误",
    "ACQ.REFUND_ROYALTY_PAYEE_ACCOUNT_NOT_EXIST": "退分账收入方账户不存在",
    "ACQ.TRADE_HAS_CLOSE": "交易已关闭",
    "ACQ.TRADE_SETTLE_ERROR": "交易结算异常",
    "ACQ.USER_NOT_MATCH_ERR": "交易用户不匹配",
}

#: 40004, of alipay.trade.fastpay.refund.query and alipay.trade.query.
QUERY = {
    "ACQ.SYSTEM_ERROR": "系统错误",
    "ACQ.INVALID_PARAMETER": "参数无效",
    "ACQ.TRADE_NOT_EXIST": "交易不存在",
    "TRADE_NOT_EXIST": "查询退款的交易不存在",
    "ACQ.ENTERPRISE_PAY_BIZ_ERROR": "因公付业务异常",
}

#: 40004, of alipay.trade.cancel.
CANCEL = {
    "ACQ.SYSTEM_ERROR": "系统错误",
    "AQC.SYSTEM_ERROR": "系统错误",
    "ACQ.INVALID_PARAMETER": "参数无效",
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": "商户的支付宝账户中无足够的资金进行撤销",
    "ACQ.TRADE_NOT_EXIST": "交易不存在",
    "ACQ.TRADE_HAS_FINISHED": "交易已完结",
    "ACQ.TRADE_CANCEL_TIME_OUT": "超过撤销时间范围",
    "ACQ.CANCEL_NOT_ALLOWED": "订单不允许撤销",
    "ACQ.TRADE_STATUS_ERROR": "交易状态不合法",
    "ACQ.REASON_TRADE_STATUS_INVALID": "交易状态异常",
    "ACQ.REASON_ILLEGAL_STATUS": "交易状态异常",
    "ACQ.REASON_TRADE_BEEN_FREEZEN": "当前交易被冻结，不允许进行撤销",
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": "退款金额无效",
}

#: Of every operation: code -> sub-code -> words. An empty sub-code: the gateway says its code alone.
GATEWAY = {
    "20000": {
        "": "服务不可用",
        "isp.unknow-error": "服务暂不可用（业务系统不可用）",
        "aop.unknow-error": "服务暂不可用（网关自身的未知错误）",
    },
    "20001": {
        "": "授权权限不足",
        "aop.invalid-auth-token": "无效的访问令牌",
        "aop.auth-token-time-out": "访问令牌已过期",
        "aop.invalid-app-auth-token": "无效的应用授权令牌",
        "aop.invalid-app-auth-token-no-api": "商户未授权当前接口",
        "aop.app-auth-token-time-out": "应用授权令牌已过期",
        "aop.no-product-reg-by-partner": "商户未签约任何产品",
        "isv.app-auth-token-expired": "应用授权令牌已过期",
        "isv.invalid-app-auth-token": "无效的应用授权令牌",
    },
    "40001": {
        "": "缺少必选参数",
        "isv.missing-method": "缺少方法名参数",
        "isv.missing-signature": "缺少签名参数",
        "isv.missing-signature-type": "缺少签名类型参数",
        "isv.missing-signature-key": "缺少签名配置",
        "isv.missing-app-id": "缺少 AppID 参数",
        "isv.missing-timestamp": "缺少时间戳参数",
        "isv.missing-version": "缺少版本参数",
        "isv.missing-app-cert-sn": "缺少应用公钥证书序列号",
        "isv.missing-alipay-root-cert-sn": "缺少支付宝根证书序列号",
        "isv.decryption-error-missing-encrypt-type": "解密出错，未指定加密算法",
    },
    "40002": {
        "": "非法的参数",
        "isv.invalid-parameter": "参数无效",
        "isv.upload-fail": "文件上传失败",
        "isv.invalid-file-extension": "文件扩展名无效",
        "isv.invalid-file-size": "文件大小无效",
        "isv.invalid-method": "不存在的方法名",
        "isv.invalid-format": "无效的数据格式",
        "isv.illegal-json": "不是有效的 JSON",
        "isv.invalid-signature-type": "无效的签名类型",
        "isv.invalid-signature": "验签出错，请检查签名",
        "isv.invalid-token": "无效的令牌",
        "isv.invalid-encrypt-type": "无效的加密类型",
        "isv.invalid-encrypt": "解密异常",
        "isv.invalid-app-id": "无效的 AppID 参数",
        "isv.invalid-timestamp": "非法的时间戳参数",
        "isv.invalid-charset": "字符集错误",
        "isv.invalid-digest": "摘要错误",
        "isv.suspected-attack": "可疑的攻击请求",
        "isv.forbidden-api": "禁止调用的接口",
        "isv.app-cert-expired": "应用证书已过期",
        "app-cert-expired": "应用证书已过期",
        "not-online-app": "应用未上线",
        "isv.not-support-app-auth": "不支持第三方应用授权",
        "isv.decryption-error-not-valid-encrypt-type": "解密出错，不支持的加密算法",
        "isv.decryption-error-not-valid-encrypt-key": "解密出错，未配置加密密钥或格式错误",
        "isv.decryption-error-unknown": "解密出错，未知异常",
    },
    "40003": {
        "": "条件异常",
        "invalid-auth-relations": "授权关系无效",
        "isv.missing-signature-config": "缺少签名配置",
        "isv.invalid-app-state": "应用状态不满足条件",
    },
    "40004": {
        "unsupported-sdk-version": "SDK 版本不支持",
        "ACQ.ACCESS_FORBIDDEN": "无权限使用接口",
        "ACQ.PARTNER_ERROR": "应用 AppID 填写错误",
    },
    "40005": {
        "": "调用频次超限",
        "isv.app-call-limited": "应用调用次数超限",
        "isv.method-call-limited": "方法调用次数超限",
    },
    "40006": {
        "": "权限不足",
        "isv.insufficient-isv-permissions": "权限不足",
        "isv.insufficient-user-permissions": "用户权限不足",
        "isv.self-invoke-forbidden": "应用不允许自调用",
    },
}

#: Refused before the gateway knows whose call it is: ``error_response``, without a signature.
ANONYMOUS = ("isv.missing-app-id", "isv.missing-method", "isv.invalid-app-id", "isv.invalid-method")
