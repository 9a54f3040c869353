"""PyPI removebg: the address is a name of its module. Arguments: address, picture, result."""

import shutil
import sys

from removebg import removebg

url, picture, result = sys.argv[1:]
removebg.API_ENDPOINT = f"{url}/v1.0/removebg"
client = removebg.RemoveBg("demo-key", "errors.log")
client.remove_background_from_img_file(picture, size="regular", bg_color="1f6feb")
shutil.move(f"{picture}_no_bg.png", result)
