"""The budget ledger: pure state and transitions, its JSON, and the stores that keep it.

``state`` and ``transitions`` are the rules; ``codec`` is the JSON; ``store`` is the port and the
compare-and-swap loop; ``s3_store`` keeps it in a bucket; ``view`` is what visitors see.
"""
