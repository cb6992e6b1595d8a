"""After the money: the customer's score, and what is left to do."""
