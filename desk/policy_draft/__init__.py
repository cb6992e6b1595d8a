"""A draft of the policy: written in forms, shown against what is in force, handed to a colleague, published."""
