"""A real shop's invoice lines as sales of the retail chain, and its credit notes as refund requests."""
