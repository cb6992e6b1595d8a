"""The stand-in channels, driven by clients written for these tests alone: not the product's adapters."""
