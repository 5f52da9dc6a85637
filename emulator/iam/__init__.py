"""IAM as it is enforced: who calls, what the call needs, and what the policies say.

moto keeps roles, users, groups and policies; the decisions are made here.
"""

from emulator.iam.directory import Directory, WatchedControl
from emulator.iam.guard import Guard
from emulator.iam.sts import StsService

__all__ = ["Directory", "Guard", "StsService", "WatchedControl"]
