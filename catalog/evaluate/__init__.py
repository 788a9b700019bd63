"""CQL2 filters evaluated in Python, for what is held in memory: collections.

Items are filtered by the database (`catalog.store`).
"""
