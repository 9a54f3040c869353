"""What a rate of pictures costs, and what gives way first: `python -m tools.scale --help`.

load      a rate, how it comes, and what follows from it: sandboxes, DynamoDB's units, decryptions
limits    every bound that it meets, the template's and AWS's
burst     the first minute, call by call
"""
