"""Train a recipe into a bundle. Needs TensorFlow (`cancernet[train]`), which nothing here imports unasked."""
