"""Where the last checkpoint seen of each log is kept."""
