"""The second place, where the last checkpoint stands before it is signed: one file a kind of place."""
