"""What was found of goods that came back: the page on which it is said."""
