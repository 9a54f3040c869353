"""One TLS context for all clients of AWS, whose trusted certificates are read once in a process.

botocore makes a context for each client, and urllib3 reads the certificates into it again at each connection
(github.com/urllib3/urllib3/issues/3623). With OpenSSL 3 that takes 17 ms of CPU: four times in a sandbox's first call,
and again whenever AWS has closed an idle connection.
"""

import functools
import ssl

import botocore.httpsession

_make_context = botocore.httpsession.create_urllib3_context


def share_tls_context() -> None:
    """Lets botocore's clients that are made from now on share the context, and with it all that any of them trusts.

    None of Cutline's has a bundle of its own, or goes without verification.
    """
    botocore.httpsession.create_urllib3_context = _shared_context


@functools.cache
def _shared_context() -> ssl.SSLContext:
    context: ssl.SSLContext = _make_context()
    # Each file once; one that cannot be read is tried again.
    context.load_verify_locations = functools.cache(context.load_verify_locations)  # type: ignore[assignment]
    return context
