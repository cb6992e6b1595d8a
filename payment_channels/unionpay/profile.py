"""What a UnionPay acquirer's usual contract says: the clearing day, and the statement's with it, ends at 23:00 (ACP 5.1.0)."""

from datetime import time

from payment_channels.profile import Profile

PROFILE = Profile(bill_cutoff=time(23, 0), bill_grace_s=600)
