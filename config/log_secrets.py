"""Addresses that are keys are not written into logs: whoever reads those must not be able to use them."""

import logging
import re

#: Whoever has the rest of such an address may act: as a customer, as a person who sets their password, or on a till's code.
_ADDRESSES = re.compile(r"((?:/r/apply|/r|/join|/at-till)/)(?!apply/)[^/\s?\"']+")


class WithoutSecrets(logging.Filter):
    """Takes what opens something out of the addresses in a log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if (masked := _ADDRESSES.sub(r"\1***", said)) != said:
            record.msg, record.args = masked, None
        return True
