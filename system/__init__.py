"""The system's core: contract, workflows, declaration, ledger, prices, client."""
