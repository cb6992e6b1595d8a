"""Alipay's gateway (``gateway.do``). Facts are from opendocs.alipay.com/open unless a line says otherwise."""
