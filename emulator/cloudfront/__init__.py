"""CloudFront's control plane: what a distribution is made of. Serving it is the edge's."""

from emulator.cloudfront.service import CloudFrontService

__all__ = ["CloudFrontService"]
