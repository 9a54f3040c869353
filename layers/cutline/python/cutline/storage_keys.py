"""Every name under which something is stored, as template.yaml grants and expires it.

input bucket    in/<account>/<type>/<name>   drops
                u/<account>/<id>             uploads
                t/<account>/<task>/<file>    what a task works on
output bucket   r/<account>/<id>.png         results
                in/<account>/...             results of drops, under the drop's own name
                i/<account>/<id>             answers kept for a repeated Idempotency-Key
                m/<account>/<id>/<version>.zip, m/<account>/<id>/<version>-<name>.png
                                             what a mend of a result needs, and its earlier versions
                endpoint/in/<id>.png         pictures for an asynchronous endpoint
accounts table  ACCOUNT#<account>, CRED#<scheme>#<key id>
meter table     ACCOUNT#<account>[#<shard>] DAY#<day>[#<shard>], NONCE#<access key> <nonce>,
                IDEMPOTENT#<account> <api>#<key>, DERIVED#<key of a file made of a result> LEASE,
                DERIVED#<key of a result, its version> VARIANTS, DERIVED#<folder of a result's mends> MEND
every table     HEALTH#, an item that does not exist, which the health function asks for
"""

DROPS = "in/"
UPLOADS = "u/"
TASKS = "t/"
RESULTS = "r/"
ANSWERS = "i/"
MENDS = "m/"
ENDPOINT_INPUTS = "endpoint/in/"

ACCOUNT = "ACCOUNT#"
CREDENTIAL = "CRED#"
DAY = "DAY#"
NONCE = "NONCE#"
IDEMPOTENT = "IDEMPOTENT#"
DERIVED = "DERIVED#"
HEALTH = "HEALTH#"

# File endings by content type.
ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/avif": ".avif"}
# What a drop that failed leaves in place of its result, after the drop's own name.
ERROR_ENDING = ".error.json"
