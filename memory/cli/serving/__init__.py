"""A record in a browser: Datasette on the SQLite file, told what everything means."""
