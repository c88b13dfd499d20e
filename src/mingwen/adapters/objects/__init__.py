"""Where the world reads the log from: one file a kind of place."""
