"""What reads words from pictures: one file an engine."""
