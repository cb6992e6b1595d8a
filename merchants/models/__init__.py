"""Who takes part."""

from merchants.models.access import AccessReset, Invitation, ResetKind, StaffSession
from merchants.models.api_key import ApiKey, KeyScope
from merchants.models.channel_account import ChannelAccount
from merchants.models.channel_rule import ChannelRuleChange, ChannelRuleReading
from merchants.models.delegation import Delegation
from merchants.models.merchant import Merchant, MerchantKind, Store
from merchants.models.message_carrier import MessageCarrier, MessageOrder
from merchants.models.message_wording import MessageWording
from merchants.models.opening import CalendarDay, Grace
from merchants.models.policy import DraftState, PolicyDraft, PolicyReview, PolicyRevision, PolicyVersion
from merchants.models.saved_view import SavedView
from merchants.models.signature import Signature
from merchants.models.staff import Role, Staff

__all__ = [
    "AccessReset",
    "ApiKey",
    "CalendarDay",
    "ChannelAccount",
    "ChannelRuleChange",
    "ChannelRuleReading",
    "Delegation",
    "DraftState",
    "Grace",
    "Invitation",
    "KeyScope",
    "Merchant",
    "MerchantKind",
    "MessageCarrier",
    "MessageOrder",
    "MessageWording",
    "PolicyDraft",
    "PolicyReview",
    "PolicyRevision",
    "PolicyVersion",
    "ResetKind",
    "Role",
    "SavedView",
    "Signature",
    "Staff",
    "StaffSession",
    "Store",
]
