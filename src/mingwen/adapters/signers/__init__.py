"""What signs labels: one file a kind of key."""
