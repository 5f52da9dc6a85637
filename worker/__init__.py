"""The NST service: FastAPI Web API and style-transfer worker of one task, and the engine alone."""
