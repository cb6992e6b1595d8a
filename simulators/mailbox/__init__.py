"""A local mailbox: an SMTP server and an SMS gateway that keep what they are given, and a page to read it."""
