"""UnionPay's acquirer gateway, ACP 5.1.0, as far as refunds and voids reach: open.unionpay.com."""
