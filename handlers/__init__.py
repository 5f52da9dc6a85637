"""The five functions of the system: thin over ``system``, run by AWS Lambda.

A function's module has ``handler(event, context)`` and a ``function`` that takes its parts, too.
"""
