"""The slip that goes with goods that come back."""
