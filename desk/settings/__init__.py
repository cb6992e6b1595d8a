"""All settings, and what their pages are made of."""
