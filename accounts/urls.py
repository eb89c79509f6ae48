"""The addresses of accounts, below ``/api/v1/``."""

from django.urls import URLPattern, URLResolver, path

from accounts.api import doors, oidc, recovery, second_factor, sessions

#: For browsers that follow links, at the root.
page_urlpatterns: list[URLPattern | URLResolver] = [
    path("sign-on/", oidc.leave, name="sign-on"),
    path("sign-on/callback/", oidc.come_back, name="sign-on-callback"),
]

api_urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/register/", doors.RegisterView.as_view(), name="auth-register"),
    path("auth/token/", doors.TokenView.as_view(), name="auth-token"),
    path("auth/token/refresh/", doors.RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout/", sessions.LogoutView.as_view(), name="auth-logout"),
    path("auth/logout-all/", sessions.LogoutAllView.as_view(), name="auth-logout-all"),
    path(
        "auth/password/change/",
        sessions.ChangePasswordView.as_view(),
        name="auth-password-change",
    ),
    path("auth/email/verify/", recovery.VerifyView.as_view(), name="auth-email-verify"),
    path("auth/password/reset/", recovery.RequestResetView.as_view(), name="auth-password-reset"),
    path(
        "auth/password/reset/confirm/",
        recovery.ResetView.as_view(),
        name="auth-password-reset-confirm",
    ),
    path(
        "auth/second-factor/",
        second_factor.SecondFactorView.as_view(),
        name="auth-second-factor",
    ),
    path(
        "auth/second-factor/confirm/",
        second_factor.ConfirmSecondFactorView.as_view(),
        name="auth-second-factor-confirm",
    ),
    path(
        "auth/second-factor/disable/",
        second_factor.DisableSecondFactorView.as_view(),
        name="auth-second-factor-disable",
    ),
    path(
        "auth/second-factor/recovery-codes/",
        second_factor.RecoveryCodesView.as_view(),
        name="auth-second-factor-recovery-codes",
    ),
    path(
        "auth/second-factor/setup/",
        second_factor.SetupView.as_view(),
        name="auth-second-factor-setup",
    ),
    path(
        "auth/second-factor/setup/confirm/",
        second_factor.FinishSetupView.as_view(),
        name="auth-second-factor-setup-confirm",
    ),
    path("auth/sessions/", sessions.SessionsView.as_view(), name="auth-sessions"),
    path(
        "auth/sessions/<uuid:session_id>/",
        sessions.SessionView.as_view(),
        name="auth-session",
    ),
]
