"""Pure functions from a run's summary to text; the caller writes the file."""
