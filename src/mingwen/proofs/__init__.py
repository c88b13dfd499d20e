"""What a stranger can check with nothing of ours: canonical JSON, commitments, trees, signed notes, stamps, bundles."""
