"""Checks: one module for each family of promises; functions only. The name is the address."""
