"""Speed, measured as ratios: ours against the usual way, and against the limit, taken in one run on the same data."""
