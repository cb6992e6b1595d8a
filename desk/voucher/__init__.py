"""The voucher of a refund, to print."""
