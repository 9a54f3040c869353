"""PyPI lazop_sdk, the client of Alibaba's open platforms: the address is an argument. Arguments: address, picture."""

import base64
import json
import sys
from pathlib import Path

import lazop_sdk

url, picture = sys.argv[1], Path(sys.argv[2]).read_bytes()
client = lazop_sdk.LazopClient(f"{url}/rest", "512345", "demo-secret")
request = lazop_sdk.LazopRequest("/ai/image/cut/out")
request.add_api_param("imageBase64", base64.b64encode(picture).decode())
request.add_api_param("backGroundType", "WHITE_BACKGROUND")
response = client.execute(request)
print(json.dumps({"code": response.code, "body": response.body}))
