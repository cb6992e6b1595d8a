"""Who: merchants, stores, staff and roles, API keys, channel accounts, the refund policy and its versions."""
