"""What a key may do, and the switches that stop keys."""
