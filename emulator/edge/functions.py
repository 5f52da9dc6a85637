"""CloudFront Functions that are built in.

JavaScript is not run here. A distribution names a built-in by associating its function's ARN with
one of these names; the same rules in JavaScript are what is deployed on AWS.
"""

from __future__ import annotations

from collections.abc import Callable

SINGLE_PAGE = "single-page-fallback"


def single_page_fallback(uri: str) -> str:
    """Paths without a file name lead to the page: ``/studio`` is ``/index.html``.

    A path whose last segment has a dot names a file and stays as it is, so that a missing file is
    an error and not the page.
    """
    return uri if "." in uri.rpartition("/")[2] else "/index.html"


VIEWER_REQUEST: dict[str, Callable[[str], str]] = {SINGLE_PAGE: single_page_fallback}
"""Built-in viewer-request functions: from the request's uri to the one that is looked up."""
