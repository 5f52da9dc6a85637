"""Response headers policies of the page and of the API.

The page runs its own scripts only, talks to its own host and to the bucket's endpoint (uploads,
previews, results), and is shown in nobody's frame.
"""

from __future__ import annotations

_TRANSPORT = "max-age=31536000; includeSubDomains"


def page_headers(upload_origins: tuple[str, ...]) -> dict[str, str]:
    """Headers of the website; ``upload_origins`` are the origins of presigned URLs."""
    buckets = "".join(f" {origin}" for origin in upload_origins)
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        f"img-src 'self' blob: data:{buckets}",
        f"connect-src 'self'{buckets}",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Strict-Transport-Security": _TRANSPORT,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }


def api_headers() -> dict[str, str]:
    """Headers of API answers, which are no pages."""
    return {
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Strict-Transport-Security": _TRANSPORT,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
