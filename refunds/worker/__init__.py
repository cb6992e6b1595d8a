"""What a worker watches over: work that nobody called for, and whether it still hears."""
