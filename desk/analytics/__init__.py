"""The analytics page: figures in words, each with the list of the refunds behind it."""
