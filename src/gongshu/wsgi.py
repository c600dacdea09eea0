"""The console and the REST API as a WSGI application (Django over ASGI was measured ten times slower)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gongshu.settings")
application = get_wsgi_application()
