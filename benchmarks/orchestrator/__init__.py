"""Step Functions and Lambda of the emulator: latency, memory, virtual time; peers beside them."""
