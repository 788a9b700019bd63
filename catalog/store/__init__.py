"""The PostgreSQL store: the private cluster, migrations, and all SQL of Kakehashi.

No other package contains SQL, so that a new major version of pgstac is met in one place.
"""
