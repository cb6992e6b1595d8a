"""What is known when a request is judged or decided: the sale, what refunds come to together, who has had a hand in it."""
