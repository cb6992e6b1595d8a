"""What Alipay's usual contract says.

Source: https://opendocs.alipay.com/open/02ekfl (a query not before 10 s after the refund).
"""

from payment_channels.profile import Profile

PROFILE = Profile(query_after_s=10.0)
