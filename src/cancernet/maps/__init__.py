"""Maps of whole specimens, stitched from patches with positions."""
