"""What every control needs: the model, the loaders, the registry, the judge and the pytest plugin."""
