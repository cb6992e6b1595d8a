"""What a worker watches over: periodic work that beat did not call for, and a consumer that stalled."""
