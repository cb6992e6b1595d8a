"""Who takes part."""

from merchants.models.api_key import ApiKey, KeyScope
from merchants.models.channel_account import ChannelAccount
from merchants.models.channel_rule import ChannelRuleChange, ChannelRuleReading
from merchants.models.merchant import Merchant, MerchantKind, Store
from merchants.models.policy import DraftState, PolicyDraft, PolicyReview, PolicyRevision, PolicyVersion
from merchants.models.staff import Role, Staff

__all__ = [
    "ApiKey",
    "ChannelAccount",
    "ChannelRuleChange",
    "ChannelRuleReading",
    "DraftState",
    "KeyScope",
    "Merchant",
    "MerchantKind",
    "PolicyDraft",
    "PolicyReview",
    "PolicyRevision",
    "PolicyVersion",
    "Role",
    "Staff",
    "Store",
]
