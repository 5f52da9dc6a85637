"""`terraform apply` on an emulator, step by step."""
