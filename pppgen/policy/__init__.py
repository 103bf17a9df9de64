"""What to do next: pure, without a clock, a logger or I/O; time comes in with the event."""
