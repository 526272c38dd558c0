"""The trained model: what a bundle on disk holds, typed, and what it answers."""
