"""What was paid: terminals, transactions and their lines, and how a sale is found again."""
