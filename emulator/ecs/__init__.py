"""ECS: running tasks and services. Clusters and task definitions are moto's."""

from emulator.ecs.service import TasksService
from emulator.ecs.services import OPERATIONS, ServicesService
from emulator.ecs.settings import TasksSettings, TaskTiming

SERVICE_OPERATIONS = OPERATIONS

__all__ = [
    "SERVICE_OPERATIONS",
    "ServicesService",
    "TaskTiming",
    "TasksService",
    "TasksSettings",
]
