"""Getting words to customers: what is said (templates), and who carries it (e-mail, SMS providers)."""
