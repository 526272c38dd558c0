"""Small files of the structure that scanners write, made from a drawn scene; none holds a real image."""
