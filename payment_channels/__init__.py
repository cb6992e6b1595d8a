"""The outside: one folder a payment channel, plain Python without Django or Celery."""
