"""The share gateway: a small ASGI application that answers signed, granted, counted and recorded look-ups."""
