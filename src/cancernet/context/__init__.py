"""A patch among its neighbours: the grid of a specimen, smoothing over it, and its fit."""
