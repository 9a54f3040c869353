"""What the product says about itself, told by the contracts' own tables.

document          the OpenAPI document, put together from what its parts describe
parts             those parts: one module per API, found by the contract's name, and what every deployment has
schema            JSON Schema in few words
operation         what describes an operation of any API: its body, its credential, every answer
examples          the picture, the call and the outcome that examples are made of
native            what our own operations share; `links`, `usage`, `uploads` and `pages` describe them
reference_page    the document as a page for people
playground_facts  what the playground knows of each API
"""
