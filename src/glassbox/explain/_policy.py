"""What a page may run and fetch: a Content-Security-Policy that allows what the page carries and nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable


def policy(scripts: Iterable[str], styles: Iterable[str], *, beside: bool = False) -> str:
    """Write the policy of a page, for its ``<meta http-equiv="Content-Security-Policy">``.

    Text that becomes a script by accident, an event attribute such as ``onerror`` among it, is not run, and nothing
    is fetched from elsewhere. Attributes that set a style are allowed: equations place their parts by them.

    Parameters
    ----------
    scripts, styles : iterable of str
        What stands inside each script and each style element of the page, character by character.
    beside : bool
        Whether the page may also load the files that lie beside it.

    Returns
    -------
    str
        The directives, without a quotation mark that would end an attribute.

    Examples
    --------
    >>> policy(["let x = 1;"], []).split("; ")[1]
    "script-src 'sha256-qtc3jf64UXA5J6U02kfQ0Cvn9Uz4wXUaN3NNUVgR2v4='"
    """
    own = ["'self'"] if beside else []
    sources = {
        "default-src": own,  # Firefox fetches the next page ahead
        "script-src": [*own, *map(_hash, scripts)],
        "style-src": [*own, "'unsafe-inline'"],  # attributes; and elements, in browsers that do not know the next line
        "style-src-elem": [*own, *map(_hash, styles)],
        "img-src": [*own, "data:", "blob:"],
        "worker-src": ["blob:"],
        "object-src": [],
        "base-uri": [],
        "form-action": own,
    }
    return "; ".join(" ".join([name, *(dict.fromkeys(allowed) or ["'none'"])]) for name, allowed in sources.items())


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
