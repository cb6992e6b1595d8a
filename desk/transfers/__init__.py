"""Bank transfers by the file: taken to the bank, its result read, and what came back."""
