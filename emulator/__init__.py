"""The emulator: AWS's services as the system uses them, on one machine."""
