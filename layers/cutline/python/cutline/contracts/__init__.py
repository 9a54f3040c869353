"""The wire contracts: one module per API. Pure: no AWS, no pixels.

How to add a sixth API:

1. Write `contracts/<name>.py` with the names that `wire.Contract` lists, in the order of its neighbours: NAME, METHODS,
   SCHEME, LINK_LIFETIME_S, LIMITS, ERRORS, `parse`, `render`, `refuse`. `parse` returns a `wire.Job` or raises
   InputRefused; `refuse` has an answer for every `errors.Reason`.
2. A new way to authenticate is a `wire.Scheme`, a module beside `accounts/jd_signature.py` and a branch in
   `accounts/identity.py`. An API key in a header needs the Scheme alone.
3. Copy `functions/selfie/app.py`, or give the contract a route in a function that does the same work, and add function,
   route, role and log group to template.yaml. Work that no API does yet goes into `cutline/serving/processors.py`.
4. Tests: golden bodies and a completeness test over Reason as in tests/contracts/test_jd_selfie.py, every row over HTTP
   as in tests/e2e/test_selfie.py, a call in events/generate.py.
"""
