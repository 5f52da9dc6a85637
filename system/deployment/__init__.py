"""``nst deploy`` and ``nst smoke``: the same artifacts, by Terraform, to AWS or to the emulator."""
