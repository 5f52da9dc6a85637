"""CloudFront's edge: the website's cache and the API's front door."""

from emulator.edge.service import EdgeService, EdgeSettings

__all__ = ["EdgeService", "EdgeSettings"]
