"""The console as a WSGI application with the tests' own procedures in it."""

import importlib

from gongshu.wsgi import application

importlib.import_module("tests.console.trial")  # needs the settings, which the line above has read
__all__ = ["application"]
