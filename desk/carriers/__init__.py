"""Providers of messages to customers: contracts, approved texts, and by which medium customers are told first."""
