"""Figures, tables and pages: draws what it is given."""
