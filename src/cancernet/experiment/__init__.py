"""Whole jobs over labelled patches: run, train, evaluate, audit, compare."""
