"""From a wish to a judged, stored request."""
