"""What must never be untrue, and how it is watched."""
