"""Settings, from the environment only. Rules of the business live in policy versions, never here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
#: 32 random bytes each, base64. The first seals personal data, the second keys the hashes it is searched by.
PERSONAL_DATA_KEY = env.str("PERSONAL_DATA_KEY")
SEARCH_KEY = env.str("SEARCH_KEY")
#: 32 random bytes, base64: seals the audit trail, and is never in the database (docs/adr/0030). Those before it, by commas.
AUDIT_KEY = env.str("AUDIT_KEY", default="")
AUDIT_KEYS_RETIRED = env.list("AUDIT_KEYS_RETIRED", default=[])
#: The address under which customers and channels reach us: tracking links, notice URLs.
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
#: Where the heads of the audit trail are written, outside the database.
AUDIT_HEADS_DIR = Path(env.str("AUDIT_HEADS_DIR", default=str(VAR_DIR / "audit-heads")))

# --- applications -------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "core",
    "merchants",
    "terminals",
    "refunds",
    "reconciliation",
    "analytics",
    "invariants",
    "integrations",
    "desk",
    "samples",
    "allauth.account",
    "allauth.mfa",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "template_partials.apps.SimpleAppConfig",
    "csp",
]

MIDDLEWARE = [
    "config.request_id.RequestId",
    "config.request_log.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.middleware.PagesOnly",
    "config.middleware.Language",
    "config.plain_requests.PlainRequests",
    "config.middleware.Common",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
#: What ``PagesOnly`` wraps around every request that is not a machine's.
PAGE_MIDDLEWARE = [
    "config.middleware.Compressed",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "desk.context.shell",
            ],
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "template_partials.templatetags.partials",
                "desk.templatetags.desk_format",
                "desk.templatetags.desk_charts",
            ],
        },
    }
]

# --- data ---------------------------------------------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {"default": env.db("DATABASE_URL")}
DATABASES["default"]["ENGINE"] = "core.database"
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=600)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# What is prepared (core/sql.py) is planned once and then run: a plan made for each run cost more than running it.
DATABASES["default"].setdefault("OPTIONS", {})["options"] = (
    "-c idle_in_transaction_session_timeout=60000 -c plan_cache_mode=force_generic_plan"
)
_LOCK_MS = env.int("DB_LOCK_TIMEOUT_MS", default=8000)
#: Milliseconds a statement may run and may wait for a lock, 0 for no limit, by who asks (core/database/timeouts.py). A statement
#: that takes longer is cancelled and answered with 503; a lock that is not had in time is a conflict to report.
DB_TIMEOUTS_MS: dict[str, tuple[int, int]] = {
    "web": (env.int("DB_STATEMENT_TIMEOUT_MS", default=10_000), _LOCK_MS),
    "worker": (env.int("DB_WORKER_STATEMENT_TIMEOUT_MS", default=120_000), _LOCK_MS),
    "reports": (env.int("DB_REPORT_STATEMENT_TIMEOUT_MS", default=120_000), _LOCK_MS),
    "invariants": (env.int("DB_INVARIANTS_STATEMENT_TIMEOUT_MS", default=600_000), _LOCK_MS),
    "commands": (0, _LOCK_MS),
    "migrations": (0, 0),
}
#: The owner of the tables, for migrations: the same database under another login (docs/adr/0029). None: DATABASE_URL's own.
DATABASE_OWNER: dict[str, Any] | None = (
    env.db_url("DATABASE_OWNER_URL") if env.str("DATABASE_OWNER_URL", default="") else None
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "config.cache.ForgetfulCache",
        "LOCATION": REDIS_URL,
    }
}

# --- staff login --------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "merchants.Staff"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
#: Of django-allauth only the second factor is used (docs/adr/0039): its pages have no addresses here.
ACCOUNT_ADAPTER = "allauth.account.adapter.DefaultAccountAdapter"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
MFA_ADAPTER = "merchants.second_factor.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
#: A phone's clock may be off by one period of 30 s.
MFA_TOTP_TOLERANCE = 1
MFA_WEBAUTHN_USER_VERIFICATION = "preferred"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "desk:start"
LOGOUT_REDIRECT_URL = "login"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "desk.errors.csrf_failure"

# --- transport security -------------------------------------------------------------------------------------------

SECURE = env.bool("SECURE", default=not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=False)
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
#: How many proxies of our own a request passes: so many entries of X-Forwarded-For are believed, counted from its end.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=1 if BEHIND_TLS_PROXY else 0)
if int(BEHIND_TLS_PROXY) > TRUSTED_PROXIES:
    raise ImproperlyConfigured(
        f"TRUSTED_PROXIES={TRUSTED_PROXIES} with BEHIND_TLS_PROXY={BEHIND_TLS_PROXY}: a guesser of passwords "
        "would be taken for the proxy. Set it to the number of proxies in front of the web."
    )
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

# --- language and time --------------------------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

# --- static files -------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- REST ---------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["api.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["api.bodies.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.bodies.StrictJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["api.throttling.KeyThrottle"],
    "EXCEPTION_HANDLER": "api.problems.problem_response",
    "DEFAULT_SCHEMA_CLASS": "api.description.Description",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
#: Who may read /metrics; open where the setting is empty, as on a network of its own.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
#: Requests a key may make within ten seconds; a key's own limit (ApiKey.rate_limit) goes first.
API_RATE_PER_10S = env.int("API_RATE_PER_10S", default=12_000)
SPECTACULAR_SETTINGS = {
    "TITLE": "RefundDesk API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "format": "uuid"}},
    "ENUM_NAME_OVERRIDES": {
        "EvidenceKindEnum": "refunds.models.evidence.EvidenceKind",
        "OfferKindEnum": "refunds.models.goods_return.OfferKind",
        "DepositKindEnum": "terminals.models.DepositKind",
        "CalendarDayKindEnum": "merchants.models.CalendarDay.KINDS",
        "CaseKindEnum": "refunds.models.no_receipt.CaseKind",
        "CaseStateEnum": "refunds.models.no_receipt.CaseState",
        "CaseCauseEnum": "refunds.models.no_receipt.Cause",
        "CustomerReportKindEnum": "refunds.models.customer_report.ReportKind",
        "HandTroubleEnum": "refunds.states.HandTrouble",
        "TaskKindEnum": "api.follow_up.TASK_KINDS",
        "IncidentCauseEnum": "refunds.models.incident.IncidentCause",
        "IncidentStateEnum": "refunds.models.incident.IncidentState",
        "DepositCauseEnum": "refunds.rules.deposits.Cause",
        "RouteEnum": "refunds.states.Route",
        "ReasonEnum": "refunds.states.Reason",
        "LocaleEnum": "refunds.review.assigning.LANGUAGES",
        "BatchKindEnum": "refunds.models.batch.BatchKind",
        "BatchStateEnum": "refunds.models.batch.BatchState",
        "HandRouteEnum": "api.no_receipt.HAND_ROUTES",
        "TransactionKindEnum": "api.serializers.SALE_KINDS",
        "ApprovalDecisionEnum": "refunds.models.approval.Decision",
        "TillAuthorisationStateEnum": "api.till.STATES",
        "RefundRequestStateEnum": "refunds.states.State",
        "EventTypeEnum": "integrations.feed.TYPES",
        "OverlapEnum": "api.keys.OVERLAPS",
        "EventEnum": "refunds.telling.wording.EVENTS",
        "MediumEnum": "refunds.telling.own_words.MEDIA",
        "MessageEventEnum": "api.carriers.EVENTS",
        "TemplateEventEnum": "refunds.telling.contracts.EVENTS",
        "CarrierKindEnum": "api.carriers.KINDS",
        "CarrierMediumEnum": "api.carriers.MEDIA",
        "AlertKindEnum": "integrations.models.AlertKind",
        "AlertEventEnum": "api.carriers.ALERTS",
        "CredentialsOverlapEnum": "api.channel_accounts.OVERLAPS",
        "DeliveryStatusEnum": "api.webhooks.STATUSES",
        "TestOutcomeEnum": "integrations.sandbox.OUTCOMES",
        "PaymentWordEnum": "terminals.models.PaymentWord",
        "ExecutionStateEnum": "refunds.states.ExecutionState",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "api.description.complete",
    ],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
}

# --- workers ------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_DEFAULT_QUEUE = "refunddesk"
CELERY_TASK_IGNORE_RESULT = True
#: A wake-up message may be lost, so an acknowledgement buys nothing; kombu's emulation of it on Redis leaves workers dead or
#: stalled after a broker's trouble. Both are needed: docs/adr/0007.
CELERY_TASK_ACKS_LATE = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "ack_emulation": False,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    # A connection whose far side is gone without a word is dropped after some 6 s; by default it takes 26.
    "health_check_interval": 5,
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
#: Never give up: a worker without a broker sweeps by itself.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_TIMEZONE = TIME_ZONE
#: The sweep alone must be enough: every doorbell may be lost.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep": {"task": "refunds.sweep", "schedule": 3.0, "options": {"expires": 10}},
    "seal-audit": {"task": "core.seal_audit", "schedule": 5.0, "options": {"expires": 10}},
    "audit-checkpoints": {"task": "core.audit_checkpoints", "schedule": 600.0, "options": {"expires": 500}},
    "mail-checkpoints": {"task": "refunds.mail_checkpoints", "schedule": 3600.0, "options": {"expires": 3000}},
    "reconcile": {"task": "refunds.reconcile", "schedule": 300.0, "options": {"expires": 240}},
    "verify": {"task": "refunds.verify", "schedule": 5.0, "options": {"expires": 10}},
    "assign": {"task": "refunds.assign", "schedule": 5.0, "options": {"expires": 10}},
    "escalate": {"task": "refunds.escalate", "schedule": 30.0, "options": {"expires": 25}},
    "policy-trials": {"task": "refunds.policy_trials", "schedule": 20.0, "options": {"expires": 15}},
    "verify-audit": {"task": "refunds.verify_audit", "schedule": 20.0, "options": {"expires": 15}},
    "batches": {"task": "refunds.batches", "schedule": 10.0, "options": {"expires": 10}},
    "exports": {"task": "desk.exports", "schedule": 10.0, "options": {"expires": 10}},
    "second-legs": {"task": "refunds.second_legs", "schedule": 30.0, "options": {"expires": 25}},
    "sandboxes": {"task": "integrations.sandboxes", "schedule": 3.0, "options": {"expires": 10}},
    "forget-events": {"task": "integrations.forget_old", "schedule": 3600.0, "options": {"expires": 3000}},
    "forget-answers": {"task": "refunds.forget_answers", "schedule": 600.0, "options": {"expires": 500}},
    "check-invariants": {"task": "refunds.check_invariants", "schedule": 3600.0, "options": {"expires": 600}},
    # By day: customers are told when a promise does not hold.
    "arrivals": {"task": "refunds.arrivals", "schedule": crontab(hour="9-20", minute=10), "options": {"expires": 3000}},
    # Personal data whose term is over.
    "erase-expired": {
        "task": "refunds.erase_expired",
        "schedule": crontab(hour=3, minute=40),
        "options": {"expires": 7200},
    },
    # Every event of every chain: the hourly one looks at what has grown since.
    "check-everything": {
        "task": "refunds.check_everything",
        "schedule": crontab(hour=4, minute=20),
        "options": {"expires": 7200},
    },
}

#: Where each channel is called, for accounts that are opened at the desk. The channels' own documents name them.
CHANNEL_URLS: dict[str, str] = {
    "wechat": env.str("CHANNEL_URL_WECHAT", default="https://api.mch.weixin.qq.com"),
    "alipay": env.str("CHANNEL_URL_ALIPAY", default="https://openapi.alipay.com"),
    "unionpay": env.str("CHANNEL_URL_UNIONPAY", default="https://gateway.95516.com/gateway/api"),
}

#: Where the payment channels' stand-ins keep their account.json, a folder a channel: sandboxes pay through them. Empty: this
#: installation has no sandboxes.
STAND_INS_DIR = env.str("STAND_INS_DIR", default="")

#: A worker that is handed nothing for this long, although the broker answers and it has a thread free, ends itself.
WORKER_DEAF_AFTER_S = env.float("WORKER_DEAF_AFTER_S", default=60)
#: Seconds for which a decision at the desk can be taken back before it takes effect.
UNDO_S = env.float("UNDO_S", default=10)
EXECUTION_WIDTH = env.int("EXECUTION_WIDTH", default=64)
#: Seconds a claimed execution, or webhook, belongs to one loop. Longer than any channel's or endpoint's time-out: see
#: docs/adr/0011.
EXECUTION_LEASE_S = env.float("EXECUTION_LEASE_S", default=30)
#: Names of failpoints that kill the process when reached; tests only.
FAILPOINTS = frozenset(env.list("FAILPOINTS", default=[]))

# --- messages to customers ----------------------------------------------------------------------------------------

EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.smtp.EmailBackend")
EMAIL_HOST = env.str("SMTP_HOST", default="127.0.0.1")
EMAIL_PORT = env.int("SMTP_PORT", default=25)
EMAIL_HOST_USER = env.str("SMTP_USER", default="")
EMAIL_HOST_PASSWORD = env.str("SMTP_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("SMTP_TLS", default=False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="RefundDesk <refunds@localhost>")
SMS_PROVIDER = env.str("SMS_PROVIDER", default="outbox")
SMS_OUTBOX_URL = env.str("SMS_OUTBOX_URL", default="").rstrip("/")
#: Where each provider of merchants' own contracts is called.
CARRIER_URLS: dict[str, str] = {
    "tencent": env.str("CARRIER_URL_TENCENT", default="https://sms.tencentcloudapi.com"),
    "aliyun": env.str("CARRIER_URL_ALIYUN", default="https://dysmsapi.aliyuncs.com"),
    "wechat": env.str("CARRIER_URL_WECHAT", default="https://api.weixin.qq.com"),
}
#: How long a customer's link works.
TRACKING_LINK_DAYS = 90

# --- events for programs ------------------------------------------------------------------------------------------

#: Of a web process's threads (8) so many may wait for an event; more calls with ``wait`` are answered at once.
FEED_WAITING_THREADS = env.int("FEED_WAITING_THREADS", default=4)
#: How a thing is written in full, by its type: as GET gives it.
WEBHOOK_BODIES = {
    "refund_request": "api.webhooks.refund_request_body",
    "transaction": "api.webhooks.transaction_body",
}
#: Seconds for which a web process gathers calls for the request log before it writes them; 0: it never does by itself.
REQUEST_LOG_EVERY_S = env.float("REQUEST_LOG_EVERY_S", default=1.0)
#: Where groups of staff are told of trouble, by product.
ALERT_URLS: dict[str, str] = {
    "dingtalk": env.str("ALERT_URL_DINGTALK", default="https://oapi.dingtalk.com"),
    "feishu": env.str("ALERT_URL_FEISHU", default="https://open.feishu.cn"),
    "wecom": env.str("ALERT_URL_WECOM", default="https://qyapi.weixin.qq.com"),
}
#: For tests and the demo alone: webhooks may go to this machine, without TLS.
WEBHOOKS_TO_LOOPBACK = env.bool("WEBHOOKS_TO_LOOPBACK", default=False)

# --- logs ---------------------------------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(process)d %(request_id)s %(name)s %(message)s"}},
    "filters": {
        "request_id": {"()": "config.request_id.InEveryLine"},
        "secrets": {"()": "config.log_secrets.WithoutSecrets"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id", "secrets"]}
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        # It tells of every passkey that is made or shown.
        "fido2": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}
