"""Whole slides and other large images: read at the model's scale, find tissue, predict, map. Needs cancernet[slide]."""
