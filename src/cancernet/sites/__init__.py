"""Is this site like what the model learned: unlabelled patients or slides, measured, compared, followed over time."""
