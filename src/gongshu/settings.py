"""Django settings. Everything a site may change comes from the environment; `docs/settings.md` lists it."""

from __future__ import annotations

import os
from pathlib import Path

from gongshu.runner import config

BASE = Path(__file__).resolve().parent

GONGSHU_HOME = config.home()
GONGSHU_PACK = os.environ.get("GONGSHU_PACK", "pujiang")
GONGSHU_SAMPLE = os.environ.get("GONGSHU_SAMPLE") == "1"
GONGSHU_GATEWAY_URL = os.environ.get("GONGSHU_GATEWAY_URL", "http://127.0.0.1:8001")
GONGSHU_FILES_ROOT = Path(os.environ.get("GONGSHU_FILES_ROOT", GONGSHU_HOME / "files"))
GONGSHU_LAKE_DAYS = float(os.environ.get("GONGSHU_LAKE_DAYS", "30"))
GONGSHU_LAKE_PATH = Path(os.environ.get("GONGSHU_LAKE_PATH", GONGSHU_HOME / "lake"))

SECRET_KEY = config.secret("django")
GONGSHU_MASTER_KEY = config.master_key
DEBUG = False
ALLOWED_HOSTS = os.environ.get("GONGSHU_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
CSRF_FAILURE_VIEW = "gongshu.console.errors.csrf_failed"
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("GONGSHU_ORIGINS", "").split(",") if o]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "procrastinate.contrib.django",
    "gongshu.journal",
    "gongshu.org",
    "gongshu.casework",
    "gongshu.duty",
    "gongshu.catalog",
    "gongshu.collection",
    "gongshu.governance",
    "gongshu.sharing",
    "gongshu.evidence",
    "gongshu.console",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "gongshu.console.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "gongshu.console.middleware.ConsoleMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "gongshu.urls"
WSGI_APPLICATION = "gongshu.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "console" / "templates"],  # before those of allauth
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "gongshu.console.context.console",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "gongshu.console.templatetags.house",
            ],
        },
    }
]

DATABASES = {"default": config.database("app")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "org.Account"

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "gongshu.org.passwords.ThreeClassesValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
]

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "console/locked.html"
AXES_CLIENT_IP_CALLABLE = "gongshu.console.middleware.socket_address"

ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
# Wrong passwords are the business of axes, which locks earlier; this limits guesses of one-time codes.
ACCOUNT_RATE_LIMITS = {"login_failed": "60/m/ip,10/5m/key"}
ACCOUNT_ADAPTER = "gongshu.console.adapter.ClosedAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Gongshu"
MFA_ADAPTER = "gongshu.console.adapter.SecondFactorAdapter"
ACCOUNT_FORMS = {"login": "gongshu.console.entrance.SignInForm"}
MFA_FORMS = {
    "authenticate": "gongshu.console.entrance.CodeForm",
    "reauthenticate": "gongshu.console.entrance.CodeAgainForm",
    "activate_totp": "gongshu.console.entrance.SetUpForm",
}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = os.environ.get("GONGSHU_HTTPS") == "1"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LOCALE_PATHS = [BASE / "locale"]
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = None  # served from the packages themselves
WHITENOISE_USE_FINDERS = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("GONGSHU_LOG", "WARNING")},
}
