"""The client of the public API: what a visitor can do, and nothing more."""
