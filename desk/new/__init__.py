"""A refund from the desk: find the sale, see the quote while typing, submit."""
