"""What WeChat Pay's usual contract says.

Source: https://pay.weixin.qq.com/doc/v3/merchant/4012791865 (refunds: 365 days, 50 partial refunds of an order, a minute
between two of them); bills are there from 10:00 on, by the day of acceptance.
"""

from datetime import time

from payment_channels.profile import BillBasis, Profile

PROFILE = Profile(partial_spacing_s=60.0, bill_basis=BillBasis.ACCEPTED, bill_ready_at=time(10, 0))
