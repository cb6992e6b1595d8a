"""Alipay's open gateway, as far as refunds reach: opendocs.alipay.com, trade refund, queries, bills, notices."""
