"""The service's own description, made by the contracts' tables and code.

document          the OpenAPI document, put together from the modules below
<api>             one module per API, with the name of its contract's module; jd_gateway is shared by the JD APIs
native            what Cutline's own routes share
usage             Cutline's own routes that only read: usage report, links to results, pages
uploads           the route that issues upload tickets
operation         what describes an operation of any API: its body, its credential, every response
finish            the fields of shadow, background and metadata
schema            builders of JSON Schema
examples          the picture, the call and the outcome that the examples show
reference_page    the document as an HTML page
playground_facts  the data behind the playground: limits, names, and the meaning of each API's codes
"""
