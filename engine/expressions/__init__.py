"""The one expression language: checked once, then compiled to Python, translated to SQL or sent to the browser."""
