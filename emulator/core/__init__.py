"""What all emulated services share: bus, clock, credentials, errors, identifiers, logs."""
