"""Looking for card numbers in bytes at hardware speed: the engine, what feeds it, and who does the work."""
