"""The database from an event loop: threads, statements, and what becomes of its failures."""
