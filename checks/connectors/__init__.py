"""How a kind of target is reached: read-only views; nothing raw leaves them."""
