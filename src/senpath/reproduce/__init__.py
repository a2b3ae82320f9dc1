"""Published experiments, run again: what was published beside what comes out here."""
