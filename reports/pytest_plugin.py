"""A pytest plugin, being written."""
