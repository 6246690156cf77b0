"""Places that help people with digital matters: read, checked, brought together, exported."""
