"""WeChat Pay API v3, as far as refunds reach: pay.weixin.qq.com, chapters refund, bills, signatures, notices."""
