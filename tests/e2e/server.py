"""The console as a WSGI application with the tests' own procedures in it."""

from gongshu.wsgi import application
from tests.console import trial

assert trial.KINDS
__all__ = ["application"]
