"""The command line: one thin module a command."""

__version__ = "0.1.0"
