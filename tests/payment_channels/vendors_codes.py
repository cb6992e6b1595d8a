"""The vendors' lists of codes as far as they could be read, as data and apart from the adapters' tables.

Compiled from public copies: the pages as search engines keep them, Alipay's v3 description, enumerations in public clients. Not
every line was seen on the vendor's own page; the addresses name the page that has the list today, where a contract is disputed.
``INFERRED`` names what no copy shows for that operation. A vendor may have codes that are in no copy: the adapters take a code
that is in no table for no proof of anything.
"""

from __future__ import annotations

ALIPAY_REFUND = [
    "ALLOC_AMOUNT_VALIDATE_ERROR",
    "BUYER_ENABLE_STATUS_FORBID",
    "BUYER_ERROR",
    "BUYER_NOT_EXIST",
    "CURRENCY_NOT_SUPPORT",
    "CUSTOMER_VALIDATE_ERROR",
    "DISCORDANT_REPEAT_REQUEST",
    "ENTERPRISE_PAY_BIZ_ERROR",
    "INVALID_PARAMETER",
    "NOT_ALLOW_PARTIAL_REFUND",
    "ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND",
    "OVERDRAFT_AGREEMENT_NOT_MATCH",
    "OVERDRAFT_ASSIGN_ACCOUNT_INVALID",
    "REASON_TRADE_BEEN_FREEZEN",
    "REASON_TRADE_REFUND_FEE_ERR",
    "REASON_TRADE_STATUS_INVALID",
    "REFUNDALLOC_UNAUTH_LIMIT",
    "REFUND_ACCOUNT_NOT_EXIST",
    "REFUND_AMT_NOT_EQUAL_TOTAL",
    "REFUND_CHARGE_ERROR",
    "REFUND_FEE_ERROR",
    "REFUND_ROYALTY_PAYEE_ACCOUNT_NOT_EXIST",
    "SELLER_BALANCE_NOT_ENOUGH",
    "SYSTEM_ERROR",
    "TRADE_HAS_CLOSE",
    "TRADE_HAS_FINISHED",
    "TRADE_NOT_ALLOW_REFUND",
    "TRADE_NOT_EXIST",
    "TRADE_SETTLE_ERROR",
    "TRADE_STATUS_ERROR",
    "USER_NOT_MATCH_ERR",
]
ALIPAY_GATEWAY = [
    "20000",
    "20001",
    "40001",
    "40002",
    "40003",
    "40005",
    "40006",
    "isp.unknow-error",
    "unknow-error",
    "invalid-auth-token",
    "auth-token-time-out",
    "invalid-app-auth-token",
    "invalid-app-auth-token-no-api",
    "app-auth-token-time-out",
    "no-product-reg-by-partner",
    "isv.missing-method",
    "isv.missing-signature",
    "isv.missing-signature-type",
    "isv.missing-signature-key",
    "isv.missing-app-id",
    "isv.missing-timestamp",
    "isv.missing-version",
    "isv.decryption-error-missing-encrypt-type",
    "isv.invalid-parameter",
    "isv.invalid-method",
    "isv.invalid-format",
    "isv.invalid-signature-type",
    "isv.invalid-signature",
    "isv.invalid-app-id",
    "isv.invalid-timestamp",
    "isv.invalid-charset",
    "isv.illegal-json",
    "isv.suspected-attack",
    "isv.forbidden-api",
    "app-cert-expired",
    "not-online-app",
    "invalid-auth-relations",
    "isv.missing-signature-config",
    "unsupported-sdk-version",
    "isv.app-call-limited",
    "isv.method-call-limited",
    "isv.insufficient-isv-permissions",
    "isv.insufficient-user-permissions",
    "isv.self-invoke-forbidden",
    "isv.upload-fail",
    "isv.invalid-file-extension",
    "isv.invalid-file-size",
    "isv.invalid-token",
    "isv.invalid-encrypt-type",
    "isv.invalid-encrypt",
    "isv.invalid-digest",
    "isv.not-support-app-auth",
    "isv.decryption-error-not-valid-encrypt-type",
    "isv.decryption-error-not-valid-encrypt-key",
    "isv.decryption-error-unknown",
    "ACQ.ACCESS_FORBIDDEN",
    "ACQ.PARTNER_ERROR",
]
UNIONPAY = [
    "00",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "10",
    "11",
    "12",
    "13",
    "14",
    "30",
    "31",
    "32",
    "33",
    "34",
    "35",
    "36",
    "37",
    "38",
    "39",
    "40",
    "41",
    "42",
    "43",
    "44",
    "45",
    "46",
    "60",
    "61",
    "62",
    "63",
    "64",
    "65",
    "66",
    "67",
    "68",
    "69",
    "70",
    "71",
    "72",
    "73",
    "74",
    "75",
    "76",
    "77",
    "78",
    "79",
    "80",
    "81",
    "82",
    "83",
    "84",
    "85",
    "86",
    "87",
    "88",
    "89",
    "90",
    "91",
    "92",
    "93",
    "94",
    "95",
    "96",
    "98",
    "99",
    "A6",
]
_WECHAT_EVERYWHERE = ["PARAM_ERROR", "INVALID_REQUEST", "SIGN_ERROR", "SYSTEM_ERROR"]
_WECHAT_ORDERS = [
    "APPID_MCHID_NOT_MATCH",
    "MCH_NOT_EXISTS",
    "ORDER_CLOSED",
    "ACCOUNT_ERROR",
    "NO_AUTH",
    "NOT_ENOUGH",
    "OUT_TRADE_NO_USED",
    "RULE_LIMIT",
    "TRADE_ERROR",
    "ORDER_NOT_EXIST",
    "FREQUENCY_LIMITED",
    "BANK_ERROR",
]

#: Channel -> operation, as the adapter's list names it -> codes.
VENDORS: dict[str, dict[str, list[str]]] = {
    "alipay": {
        # https://opendocs.alipay.com/open/02ekfk
        "alipay.trade.refund": [f"ACQ.{code}" for code in ALIPAY_REFUND],
        # https://opendocs.alipay.com/open/02ekfl: its list has TRADE_NOT_EXIST with and without ACQ.
        "alipay.trade.fastpay.refund.query": [
            "ACQ.SYSTEM_ERROR",
            "ACQ.INVALID_PARAMETER",
            "ACQ.TRADE_NOT_EXIST",
            "TRADE_NOT_EXIST",
            "ACQ.ENTERPRISE_PAY_BIZ_ERROR",
        ],
        # https://opendocs.alipay.com/open/02ekfh
        "alipay.trade.query": [
            "ACQ.SYSTEM_ERROR",
            "ACQ.INVALID_PARAMETER",
            "ACQ.TRADE_NOT_EXIST",
            "ACQ.ENTERPRISE_PAY_BIZ_ERROR",
        ],
        # https://opendocs.alipay.com/open/02ekfr: its list has SYSTEM_ERROR with ACQ. and with AQC.
        "alipay.trade.cancel": [
            "AQC.SYSTEM_ERROR",
            *(
                f"ACQ.{code}"
                for code in [
                    "SYSTEM_ERROR",
                    "INVALID_PARAMETER",
                    "SELLER_BALANCE_NOT_ENOUGH",
                    "TRADE_NOT_EXIST",
                    "TRADE_HAS_FINISHED",
                    "TRADE_CANCEL_TIME_OUT",
                    "CANCEL_NOT_ALLOWED",
                    "TRADE_STATUS_ERROR",
                    "REASON_TRADE_STATUS_INVALID",
                    "REASON_ILLEGAL_STATUS",
                    "REASON_TRADE_BEEN_FREEZEN",
                    "REASON_TRADE_REFUND_FEE_ERR",
                ]
            ),
        ],
        # https://opendocs.alipay.com/common/02km9f; "aop." before a sub-code says only who found it.
        "every operation": ALIPAY_GATEWAY,
    },
    "wechat": {
        # https://pay.weixin.qq.com/doc/v3/merchant/4012587971
        "POST /v3/refund/domestic/refunds": [
            *_WECHAT_EVERYWHERE,
            "NO_AUTH",
            "NOT_ENOUGH",
            "USER_ACCOUNT_ABNORMAL",
            "MCH_NOT_EXISTS",
            "RESOURCE_NOT_EXISTS",
            "FREQUENCY_LIMITED",
        ],
        # https://pay.weixin.qq.com/doc/v3/merchant/4013071040
        "GET /v3/refund/domestic/refunds/{out_refund_no}": [
            *_WECHAT_EVERYWHERE,
            "NO_AUTH",
            "MCH_NOT_EXISTS",
            "RESOURCE_NOT_EXISTS",
            "FREQUENCY_LIMITED",
        ],
        # https://pay.weixin.qq.com/doc/v3/merchant/4012810603
        "POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund": [
            *_WECHAT_EVERYWHERE,
            "NO_AUTH",
            "NOT_ENOUGH",
            "MCH_NOT_EXISTS",
            "RESOURCE_NOT_EXISTS",
            "FREQUENCY_LIMITED",
        ],
        # https://pay.weixin.qq.com/doc/v3/merchant/4013070354, .../4013070356
        "GET /v3/pay/transactions/…": [*_WECHAT_EVERYWHERE, *_WECHAT_ORDERS, "RESOURCE_NOT_EXISTS"],
        # https://pay.weixin.qq.com/docs/partner/apis/partner-miniprogram-payment/close-order.html, and the one of /reverse
        "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close and /reverse": [
            *_WECHAT_EVERYWHERE,
            *_WECHAT_ORDERS,
            "USERPAYING",
        ],
    },
    # https://open.unionpay.com/tjweb/support/faq/mchlist?id=234
    "unionpay": {"backTransReq.do (04, 31, 32), queryTrans.do (00)": UNIONPAY},
}

_ORDER_CODES = {"NOT_ENOUGH", "ACCOUNT_ERROR", "OUT_TRADE_NO_USED", "BANK_ERROR", "RULE_LIMIT", "TRADE_ERROR"}
#: Channel -> operation -> codes that stand above, or in the adapter's table alone, by inference: they are the vendor's, but
#: of another operation, an older list or another form of this one, or one public client has them and the others have not.
INFERRED: dict[str, dict[str, set[str]]] = {
    "alipay": {
        # The gateway's code without a sub-code, and forms of sub-codes with another prefix or of its certificates' mode.
        "every operation": {
            *("20000", "20001", "40001", "40002", "40003", "40005", "40006"),
            *(
                "isv.app-auth-token-expired",
                "isv.invalid-app-auth-token",
                "isv.app-cert-expired",
                "isv.invalid-app-state",
            ),
            *("isv.missing-app-cert-sn", "isv.missing-alipay-root-cert-sn"),
        },
    },
    "wechat": {
        # Older spellings, of the interfaces before v3 and of its gateway.
        "POST /v3/refund/domestic/refunds": {
            *("FREQUENCY_LIMIT_EXCEED", "RATELIMIT_EXCEEDED", "REQUEST_BLOCKED"),
            # In the vendor's questions and answers about refunds (.../4013071200), and in the list of version 2.
            *("REFUND_FEE_MISMATCH", "TRADE_OVERDUE", "ORDER_NOT_READY", "BIZERR_NEED_RETRY", "INVALID_REQ_TOO_MUCH"),
        },
        # One list for all operations on orders: some of its codes can only come of paying.
        "GET /v3/pay/transactions/…": {*_ORDER_CODES, "RESOURCE_NOT_EXISTS"},
        "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close and /reverse": _ORDER_CODES,
    },
    # In one of the copies.
    "unionpay": {"backTransReq.do (04, 31, 32), queryTrans.do (00)": {"84"}},
}
