"""The running emulator: start-up, and what a run costs besides the painting itself."""
