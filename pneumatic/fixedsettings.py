"""Settings that no environment changes: the policy for browsers, REST and its description."""

from typing import Any

from csp.constants import NONCE, NONE, SELF

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["pneumatic.lib.http.strictjson.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": [
        "pneumatic.lib.http.strictjson.JSONRenderer",
        "pneumatic.browsable.BrowsableAPIRenderer",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["pneumatic.lib.http.doors.BudgetThrottle"],
    "EXCEPTION_HANDLER": "pneumatic.lib.http.problems.problem_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}


def spectacular(version: str) -> dict[str, Any]:
    """SPECTACULAR_SETTINGS of this version."""
    return {
        "TITLE": "Pneumatic Chat",
        "DESCRIPTION": "REST interface of Pneumatic Chat. Errors are RFC 9457 problem objects.",
        "VERSION": version,
        "OAS_VERSION": "3.1.0",
        "SERVE_INCLUDE_SCHEMA": False,
        "SERVE_PUBLIC": True,
        "SCHEMA_PATH_PREFIX": "/api/v1/",
        "SWAGGER_UI_DIST": "SIDECAR",
        "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
        "REDOC_DIST": "SIDECAR",
        "COMPONENT_SPLIT_REQUEST": True,
        "POSTPROCESSING_HOOKS": [
            "drf_spectacular.hooks.postprocess_schema_enums",
            "chat.api.schema.tell_problems",
        ],
    }
