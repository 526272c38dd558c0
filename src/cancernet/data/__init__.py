"""From files to patches, a packed array and splits by patient.

Nothing is imported here: predicting needs only `names`, `source` and `decode`, and pandas is slow to load.
"""
