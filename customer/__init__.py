"""The customer's face: one page behind a signed link, without a login."""
