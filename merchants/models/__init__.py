"""Who takes part."""

from merchants.models.api_key import ApiKey, KeyScope
from merchants.models.channel_account import ChannelAccount
from merchants.models.delegation import Delegation
from merchants.models.merchant import Merchant, MerchantKind, Store
from merchants.models.policy import PolicyVersion
from merchants.models.staff import Role, Staff

__all__ = [
    "ApiKey",
    "ChannelAccount",
    "Delegation",
    "KeyScope",
    "Merchant",
    "MerchantKind",
    "PolicyVersion",
    "Role",
    "Staff",
    "Store",
]
