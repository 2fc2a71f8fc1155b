"""The card scanner measured: a labelled corpus, large files, peers, and how much of it is found."""
