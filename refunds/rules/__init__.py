"""Pure: what the policy says, which method and route, when money arrives, and how it is explained."""
