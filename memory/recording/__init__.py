"""Recording: from calls of an agent to events in the log, and edits of live weights as transactions."""
