"""The system in one process on virtual time: real functions and workflows, a stub for the task."""
