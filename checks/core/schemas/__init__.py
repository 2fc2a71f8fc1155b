"""JSON Schemas of the files people write: for the loaders, and for editors."""
