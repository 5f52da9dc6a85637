"""The program inside the task: the run's protocol towards AWS, and the Web API beside it.

Nothing here imports PyTorch before the task has reported that it started.
"""
