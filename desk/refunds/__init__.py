"""All refunds, on the screen and as a file."""
