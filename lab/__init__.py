"""The bundled deployment: a real, small Enfyra Cloud with synthetic data, clean or with violations."""
