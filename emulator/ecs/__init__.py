"""ECS: running tasks. Clusters and task definitions are moto's."""

from emulator.ecs.service import TasksService
from emulator.ecs.settings import TasksSettings, TaskTiming

__all__ = ["TaskTiming", "TasksService", "TasksSettings"]
