"""The wire contracts: one module per API. Pure: no AWS, no pixels.

wire                 the types that all contracts share: Request, Job, Outcome, Response, `Contract`
apis                 the list of the APIs
jd_matting, jd_selfie, picwish, aidge, ailabtools, removebg, rembg, picture_check
                     one API each; jd_gateway holds the errors of both JD APIs, removebg_fields remove.bg's parameters
extensions           fields of Cutline's own for tasks: framing, region, profiles
task_record          states, record and options of background tasks
drops, uploads       tasks made by files in S3, and tickets for uploads
variants             the parameters of a result's link
mend                 the strokes that make a new version of a result
usage, native        Cutline's own route for usage, and what its own routes share
forms                what a caller sends: bodies in multipart, urlencoded and JSON, query, headers; the bound of texts
addresses            addresses of pictures and callbacks
colours              colours as callers write them
content_negotiation  the `Accept` header

How to add an API:

1. Write `contracts/NAME.py` with what `wire.Contract` lists, in the order of its neighbours. `parse` returns a
   `wire.Job` or raises InputRefused; `refuse` has an answer for every `errors.Reason`. Put the module into the list in
   `contracts/apis.py`: from there accounts, prices, usage reports and the command line know it. Optional parts:
   `task_record.TaskContract` for background tasks, `wire.CreditContract` for what is left of the day, with a line in
   apis.py each; `wire.KeyContract` for a key that may stand in the query.
2. Write `openapi/NAME.py`, with the same name: `paths`, `components` and FACTS, as in `openapi/jd_selfie.py`. The
   reference page, the playground's codes and the curl line of the local cloud follow from it.
3. Add a row to `functions/site/static/apis.js`: its options, its call, how to read its answer, its words in both
   languages.
4. Add its routes to template.yaml. If a function does the same work already, they are events of that function, and
   the contract is one more of its CONTRACTS, as in `functions/cutout/app.py`. If not, copy `functions/selfie/app.py`,
   its function, its log group and its alarms. Bodies that the gateway itself sends (4xx, 5xx, throttled) are one more
   entry of its gateway responses, headers that a page may read of its CORS list. Add the API to the dashboard's two
   widgets by API. Work that no API does yet goes into `serving/processors.py`.
5. Test it: golden bodies and completeness over Reason as in `tests/contracts/test_jd_selfie.py`, HTTP as in
   `tests/e2e/test_selfie.py`, headers in `tests/e2e/test_headers.py`, faults in `tests/tools/trust/test_faults.py`, a
   call in `events/generate.py`, and a call of a deployed stack in `tools/smoke/calls.py`.
   `tests/contracts/test_another_api.py` finds what is missing, and which other file names the API.

An API whose key comes in a header that another API takes needs nothing else. A header of its own is a `wire.Scheme`,
one of the KINDS in `accounts/registry.py` and a line in `accounts/demo.py`. A signature also needs a module next to
`accounts/jd_signature.py` and a branch in `accounts/identity.py` and in `contracts/native.py`.
"""
