"""What is out of order: incidents, whom they affect, their providers, lessons."""
