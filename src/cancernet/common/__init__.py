"""What every part stands on: errors, whole files, output folders, progress, processes."""
