"""The start of the task's program, measured."""
