"""What customers reported and somebody sees to."""
