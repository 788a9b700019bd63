"""What the API and the ingest job agree on: definitions, vocabulary, and the store.

Imports nothing of `app` or `ingest`; both import this package.
"""
