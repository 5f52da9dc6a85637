"""AWS Step Functions: an interpreter of the Amazon States Language and the API around it."""

from emulator.states.service import StatesService

__all__ = ["StatesService"]
