"""The merchant's own words to customers."""
