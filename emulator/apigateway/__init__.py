"""API Gateway's data plane: REST APIs with Lambda, Step Functions and mock integrations."""

from emulator.apigateway.service import GatewayService, GatewaySettings

__all__ = ["GatewayService", "GatewaySettings"]
