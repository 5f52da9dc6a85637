"""The page's budget: bytes, the first paint, what moves, what grows."""
