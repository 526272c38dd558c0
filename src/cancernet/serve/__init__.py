"""A page to drop an image on, and an HTTP API beside it."""
