"""PyPI ailabtools-sdk: the address is an argument of its client. Arguments: address, picture."""

import asyncio
import json
import sys
from pathlib import Path

from ailabtools import AILabClient
from ailabtools.errors import AILabApiError

url, picture = sys.argv[1], Path(sys.argv[2]).read_bytes()


async def calls() -> None:
    client = AILabClient("demo-key", base_url=url)
    cut = client.cutout
    for method in (
        cut.cutoutUniversalBackgroundRemoval,
        cut.cutoutProductBackgroundRemoval,
        cut.cutoutFoodBackgroundRemoval,
        cut.cutoutHumanBackgroundRemoval,
    ):
        print((await method({"image": picture, "returnForm": "whiteBK"}))["data"]["image_url"])
    garments = await cut.cutoutClothingBackgroundRemoval({"image": picture, "clothClass": "tops,coat"})
    print(garments["data"]["elements"][0]["image_url"])
    task = await cut.cutoutHDUniversalBackgroundRemoval({"image": picture})
    done = await client.wait_for_task(task.get("task_id") or task["data"]["task_id"], interval=0.5)
    print(done["data"]["image_url"])
    print(json.dumps((await client.common.commonQueryCredits({}))["data"]))
    try:
        await cut.cutoutUniversalBackgroundRemoval({"image": b"no picture"})
    except AILabApiError as error:
        print(error)
    await client.aclose()


asyncio.run(calls())
