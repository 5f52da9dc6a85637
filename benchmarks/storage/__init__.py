"""Storage: what S3 calls take beside other emulators, and what compare-and-swap bears."""
