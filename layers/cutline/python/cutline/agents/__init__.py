"""The tools of `cutline mcp`, which agents call over stdin and stdout (Model Context Protocol).

server      the protocol: one call's work at a time, cancellation, errors as tool errors; only it imports the SDK
tools       what each tool does, with the library
schemas     names, descriptions and arguments, as JSON schemas: all that an agent reads
results     the JSON schemas of what the tools return
folders     the folders that the tools may read, and the one in it that gets the results
preview     a small picture of a result for the answer
"""
