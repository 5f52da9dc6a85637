"""How fast the system lives on virtual time."""
