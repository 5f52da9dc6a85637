"""The budget ledger: pure state and transitions, its JSON, and the stores that keep it.

``state`` and ``transitions`` are the rules; ``codec`` is the JSON and ``upgrades`` leads older JSON
to it; ``store`` is the port and the compare-and-swap loop; ``s3_store`` keeps the ledger in a
bucket, ``dynamodb_store`` in a table; ``view`` is what visitors see.
"""
