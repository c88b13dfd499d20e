"""What signs notes: one file a kind of key store."""
