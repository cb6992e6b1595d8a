"""The demo's merchants and day; the replay of a shop's real returns."""
