"""The S3 data plane: buckets, objects, signatures, policies, CORS, lifecycle."""

from __future__ import annotations

from emulator.s3.service import S3Service

__all__ = ["S3Service"]
