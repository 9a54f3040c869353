"""What an account has used, read off the meter's table."""

from cutline.accounts.shards import MAX_SHARDS, Shard
from devkit.running import RunningCloud


def counters(cloud: RunningCloud, account: str) -> dict[str, int]:
    """Every number that the meter keeps of the account, summed over all days and shards."""
    total: dict[str, int] = {}
    for shard in range(MAX_SHARDS):
        for item in _items(cloud, Shard(account, "", shard).key["pk"]):
            for name, value in item.items():
                if "N" in value:
                    total[name] = total.get(name, 0) + int(value["N"])
        if shard + 1 >= total.get("lanes", 1):
            break
    return total


def _items(cloud: RunningCloud, partition: str) -> list[dict[str, dict[str, str]]]:
    found: list[dict[str, dict[str, str]]] = cloud.client("dynamodb").query(
        TableName=cloud.resources["MeterTable"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": partition}},
        ConsistentRead=True,
    )["Items"]
    return found


def meter_of(cloud: RunningCloud, account: str) -> dict[str, int]:
    """The account's calls served and in flight, its quota taken and its money charged."""
    return {
        name: value
        for name, value in counters(cloud, account).items()
        if name in ("taken", "charged_micros") or name.startswith(("calls_", "hold:"))
    }
