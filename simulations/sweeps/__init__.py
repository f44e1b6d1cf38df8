"""Studies at scale: blocks of work, what comes back from them, and the store that keeps it."""
