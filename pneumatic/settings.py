"""All settings, from environment variables only; it works with none set.

Every variable is described in docs/configuration.md, which a test holds to this file.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from pneumatic.fixedsettings import CONTENT_SECURITY_POLICY as CONTENT_SECURITY_POLICY
from pneumatic.fixedsettings import REST_FRAMEWORK as REST_FRAMEWORK
from pneumatic.fixedsettings import spectacular
from pneumatic.lib import logs
from pneumatic.lib.config import databasesettings, env, redissettings

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = env.choice("PNEUMATIC_ENV", "development", ("development", "test", "production"))
PRODUCTION = ENVIRONMENT == "production"
TESTING = ENVIRONMENT == "test"
VERSION = "1.0.0"
DEBUG = env.boolean("DEBUG", ENVIRONMENT == "development")
DATA_DIR = Path(env.text("PNEUMATIC_DATA_DIR", str(BASE_DIR / "var"))).expanduser().resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)

HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, least=1, most=65535)
PROCESSES = env.integer("WEB_CONCURRENCY", 1, least=1, most=256)
DRAIN_SECONDS = env.integer("DRAIN_SECONDS", 3, most=60)

# --- Secrets ------------------------------------------------------------------------------------
SECRET_KEY = env.secret("SECRET_KEY", None if PRODUCTION else DATA_DIR / "secret_key")
# Former keys, while it is being changed: what they signed and encrypted is still good.
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS", [])
# The first signs, all verify. One of the two variables is enough.
JWT_SIGNING_KEYS = env.words("JWT_SIGNING_KEYS", [])
if not JWT_SIGNING_KEYS or env.text("JWT_SIGNING_KEY"):
    JWT_SIGNING_KEYS.insert(
        0, env.secret("JWT_SIGNING_KEY", None if PRODUCTION else DATA_DIR / "jwt_key")
    )
METRICS_TOKEN = env.text("METRICS_TOKEN")

# --- Where we are reachable ---------------------------------------------------------------------
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", [] if PRODUCTION else ["*"])
# Full origins (scheme://host:port) from which browsers may open sockets and use cookies.
# Empty: the origin that the request itself was sent to.
ALLOWED_ORIGINS = env.words("ALLOWED_ORIGINS", [])
CSRF_TRUSTED_ORIGINS = ALLOWED_ORIGINS
ADMIN_PATH = env.text("ADMIN_PATH", "admin/").strip("/") + "/"
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0, most=10)
HTTPS = env.boolean("HTTPS", PRODUCTION)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
# `__Host-`: no other host, not even a subdomain, can set them. Browsers insist on HTTPS.
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
CSRF_COOKIE_HTTPONLY = False  # the browsable API's own script reads it
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"

# --- The application ----------------------------------------------------------------------------
INSTALLED_APPS = [
    # Before staticfiles, for its `runserver`.
    "pneumatic.apps.PneumaticConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
    "accounts.apps.AccountsConfig",
    "chat.apps.ChatConfig",
]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "pneumatic.lib.http.middleware.RequestContextMiddleware",
    "pneumatic.lib.http.middleware.ProbeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.authentication.DeviceMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
ROOT_URLCONF = "pneumatic.urls"
ASGI_APPLICATION = "pneumatic.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- Database -----------------------------------------------------------------------------------
_connections = env.integer("DATABASE_POOL", 16, least=2, most=500)
# Those of them that the event loop itself uses, on PostgreSQL; the others are Django's.
LOOP_CONNECTIONS = max(1, _connections // 4)
DATABASES = {
    "default": databasesettings.configured(
        env.database("DATABASE_URL", DATA_DIR / "pneumatic.sqlite3"),
        pool=_connections - LOOP_CONNECTIONS,
    )
}
ON_SQLITE = databasesettings.is_sqlite(DATABASES["default"])
DATABASE_THREADS = env.integer("DATABASE_THREADS", 8, least=1, most=200)
# Where pg_dump, pg_restore and psql are; empty: on PATH.
PG_BIN = env.text("PG_BIN")

# --- Redis: channel layer, presence, rate limits, cache -----------------------------------------
REDIS_URL = env.redis_url("REDIS_URL")
REDIS_PREFIX = env.text("REDIS_PREFIX", "pneumatic")
CHANNEL_LAYERS = redissettings.channel_layers(REDIS_URL, REDIS_PREFIX)
CACHES = redissettings.caches(REDIS_URL, REDIS_PREFIX)

# --- Accounts -----------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.authentication.NameOrEmailBackend"]
PASSWORD_HASHERS = ["accounts.hashers.Argon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.passwordrules.WritableValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "email", "display_name")},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.passwordrules.ContextValidator"},
    {"NAME": "accounts.passwordrules.BreachedValidator"},
]
PASSWORD_CONTEXT_WORDS = env.words("PASSWORD_CONTEXT_WORDS", [])
BREACHED_PASSWORDS_FILE = env.text("BREACHED_PASSWORDS_FILE")
# OWASP's minimum; `manage.py tune_argon2` measures what this machine can do.
ARGON2_TIME_COST = env.integer("ARGON2_TIME_COST", 2, least=1, most=100)
ARGON2_MEMORY_KIB = env.integer("ARGON2_MEMORY_KIB", 19_456, least=7_168, most=4_194_304)
ARGON2_PARALLELISM = env.integer("ARGON2_PARALLELISM", 1, least=1, most=16)
# Each takes ARGON2_MEMORY_KIB and a core; the rest wait their turn.
ARGON2_AT_ONCE = env.integer(
    "ARGON2_AT_ONCE", min(max(2, os.cpu_count() or 2), 8), least=1, most=64
)
PASSWORD_RESET_TIMEOUT = 30 * 60  # seconds
REGISTRATION = env.choice("REGISTRATION", "open", ("open", "invitation", "domain", "closed"))
REGISTRATION_DOMAINS = env.words("REGISTRATION_DOMAINS", [])
# Who may not sign in without a second factor.
REQUIRE_SECOND_FACTOR = env.choice(
    "REQUIRE_SECOND_FACTOR",
    "staff" if PRODUCTION else "nobody",
    ("nobody", "staff", "everyone"),
)
LOGIN_URL = "/api/v1/sign-in/login/"
LOGIN_REDIRECT_URL = "/api/v1/"
# Shorter ones make every device ask all the time, longer ones are worth stealing. In tests of what
# happens at a token's end nobody waits for five minutes.
ACCESS_TOKEN_LIFETIME = timedelta(
    minutes=env.integer("ACCESS_TOKEN_MINUTES", 10, least=1 if TESTING else 5, most=15)
)
REFRESH_TOKEN_LIFETIME = timedelta(days=env.integer("REFRESH_TOKEN_DAYS", 30, least=1, most=365))
SIMPLE_JWT = {
    "SIGNING_KEY": JWT_SIGNING_KEYS[0],
    "ISSUER": env.text("JWT_ISSUER", "pneumatic-chat"),
    "AUDIENCE": env.text("JWT_AUDIENCE", "pneumatic-chat"),
    # How far the clocks of two processes may be apart, in seconds: a token of one is no token "of
    # the future" to the other. It does not lengthen a token's life (`accounts.tokens`).
    "LEEWAY": 30,
}

# --- E-mail -------------------------------------------------------------------------------------
_mail = env.mail("EMAIL_URL", "console:" if ENVIRONMENT == "development" else "")
MAIL_ON = bool(_mail)
globals().update(_mail)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("EMAIL_FROM", "Pneumatic Chat <noreply@localhost>")
# Newcomers open a link before they have an account. Mail that only lands on a console verifies
# nobody.
EMAIL_VERIFICATION = env.boolean(
    "EMAIL_VERIFICATION", MAIL_ON and not _mail["EMAIL_BACKEND"].endswith("console.EmailBackend")
)
# Where people find us, for the links in e-mail: never taken from a request.
PUBLIC_URL = env.text("PUBLIC_URL").rstrip("/")

# --- Single sign-on: off without an issuer ------------------------------------------------------
OIDC_ISSUER = env.issuer("OIDC_ISSUER", insecure=not PRODUCTION)
OIDC_CLIENT_ID = env.text("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = env.text("OIDC_CLIENT_SECRET")
OIDC_NAME = env.text("OIDC_NAME", "single sign-on")
OIDC_REGISTER = env.boolean("OIDC_REGISTER", True)
if OIDC_ISSUER and not (OIDC_CLIENT_ID and OIDC_CLIENT_SECRET):
    raise env.BadSetting("OIDC_ISSUER", "set OIDC_CLIENT_ID and OIDC_CLIENT_SECRET, too")

# --- REST ---------------------------------------------------------------------------------------
SPECTACULAR_SETTINGS = spectacular(VERSION)
RATE_LIMIT_PER_MINUTE = env.integer("RATE_LIMIT_PER_MINUTE", 60)
RATE_LIMIT_PER_HOUR = env.integer("RATE_LIMIT_PER_HOUR", 1000)
ANONYMOUS_ATTEMPTS_PER_MINUTE = env.integer("ANONYMOUS_ATTEMPTS_PER_MINUTE", 20)
SOCKET_COMMANDS_PER_MINUTE = env.integer("SOCKET_COMMANDS_PER_MINUTE", 600)
SOCKETS_PER_PROCESS = env.integer("SOCKETS_PER_PROCESS", 10_000)
SOCKETS_PER_USER = env.integer("SOCKETS_PER_USER", 20)
SOCKETS_PER_ADDRESS = env.integer("SOCKETS_PER_ADDRESS", 2000)
CONVERSATIONS_PER_DAY = env.integer("CONVERSATIONS_PER_DAY", 200)
MEMBERS_PER_DAY = env.integer("MEMBERS_PER_DAY", 5000)

# --- Static files and the browser ---------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(DATA_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not PRODUCTION

# --- Logs, traces -------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
LOG_FORMAT = env.choice(
    "LOG_FORMAT", "console" if ENVIRONMENT == "development" else "json", ("json", "console")
)
LOGGING_CONFIG = None
logs.configure(level=LOG_LEVEL, format=LOG_FORMAT)
OTEL_EXPORTER_OTLP_ENDPOINT = env.text("OTEL_EXPORTER_OTLP_ENDPOINT")
PROMETHEUS_EXPORT_MIGRATIONS = False

DEFAULT_EXCEPTION_REPORTER_FILTER = "pneumatic.lib.config.safesettings.SafeSettings"
# The username is unique: by a constraint over its lower case, which this check doesn't know.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
if TESTING:
    # Tests count on their own numbers; the hasher is real, only cheap.
    ARGON2_TIME_COST, ARGON2_MEMORY_KIB = 1, 8
    RATE_LIMIT_PER_MINUTE = RATE_LIMIT_PER_HOUR = ANONYMOUS_ATTEMPTS_PER_MINUTE = 0
    SOCKET_COMMANDS_PER_MINUTE = 0
    SOCKETS_PER_PROCESS = SOCKETS_PER_USER = SOCKETS_PER_ADDRESS = 0
    CONVERSATIONS_PER_DAY = MEMBERS_PER_DAY = 0
