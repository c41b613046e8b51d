"""Questions to the record: what is known, what weights should hold, whether everything is whole."""
