"""What an account has used, read off the meter's table."""

from tests.support.running import RunningCloud


def counters(cloud: RunningCloud, account: str) -> dict[str, int]:
    """Every number that the meter keeps of the account, summed over all days."""
    items = cloud.client("dynamodb").query(
        TableName=cloud.resources["MeterTable"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"ACCOUNT#{account}"}},
        ConsistentRead=True,
    )["Items"]
    total: dict[str, int] = {}
    for item in items:
        for name, value in item.items():
            if "N" in value:
                total[name] = total.get(name, 0) + int(value["N"])
    return total


def meter_of(cloud: RunningCloud, account: str) -> dict[str, int]:
    """The account's calls served and under way, its quota taken and its money charged."""
    return {
        name: value
        for name, value in counters(cloud, account).items()
        if name in ("taken", "charged_micros") or name.startswith(("calls_", "hold:"))
    }
