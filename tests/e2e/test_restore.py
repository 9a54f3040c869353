"""The way back: accounts and meter of a point in time, restored by the operator's tool, serve in the stack."""

import time
from collections.abc import Iterator

import boto3
import pytest

from cutline.accounts.account import AccountStore
from cutline.adapters.kms import KmsCipher
from devkit.accounts import Accounts
from devkit.clients import JdClient, plain_picture
from devkit.running import RunningCloud, running_cloud
from localcloud.aws_account import credentials_environment
from tools import restore

SMALL = plain_picture(64, 48)
LIVE = {"AccountsTable": "live-accounts", "MeterTable": "live-meter"}
KEYS = {"AccountsTable": ("pk",), "MeterTable": ("pk", "sk")}
KINDS = (("pk", "HASH"), ("sk", "RANGE"))
DAY = f"DAY#{time.strftime('%Y-%m-%d', time.gmtime())}"


@pytest.fixture(scope="module")
def recovering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """A stack that was deployed with the parameters that the tool prints."""
    adopted = [f"--parameter={name}Name={table}-back" for name, table in LIVE.items()]
    with running_cloud(tmp_path_factory.mktemp("recovering"), *adopted) as running:
        yield running


@pytest.fixture
def lost(recovering: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> RunningCloud:
    """Two tables as the template makes them, with an account that had used 7 calls of its day."""
    for name, value in credentials_environment(recovering.port).items():
        monkeypatch.setenv(name, value)
    dynamodb = recovering.client("dynamodb")
    for name, keys in KEYS.items():
        dynamodb.create_table(
            TableName=LIVE[name],
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=[
                {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
        )
        point_in_time = {"PointInTimeRecoveryEnabled": True}
        dynamodb.update_continuous_backups(TableName=LIVE[name], PointInTimeRecoverySpecification=point_in_time)
    expiry = {"AttributeName": "expires_at", "Enabled": True}
    dynamodb.update_time_to_live(TableName=LIVE["MeterTable"], TimeToLiveSpecification=expiry)
    table = boto3.resource("dynamodb").Table(LIVE["AccountsTable"])
    cipher = KmsCipher(recovering.client("kms"), recovering.resources["AccountsKey"])
    Accounts(AccountStore(table, cipher)).create("shop", daily_quota=8)
    used = {"pk": {"S": "ACCOUNT#shop"}, "sk": {"S": DAY}, "taken": {"N": "7"}, "calls_jdc": {"N": "7"}}
    dynamodb.put_item(TableName=LIVE["MeterTable"], Item=used)
    return recovering


def test_restored_accounts_and_counters_serve_in_the_running_stack(
    lost: RunningCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    dynamodb = lost.client("dynamodb")
    named = [f"--{name.lower()}={table}" for name, table in LIVE.items()]
    assert restore.main(["--at", "2026-11-24T10:00:00+00:00", "--suffix", "back", *named]) == 0
    printed = capsys.readouterr().out
    assert '"AccountsTableName=live-accounts-back",' in printed
    assert '"MeterTableName=live-meter-back",' in printed
    for table in LIVE.values():
        dynamodb.delete_item(TableName="live-accounts", Key={"pk": {"S": "ACCOUNT#shop"}})
        found = dynamodb.describe_table(TableName=f"{table}-back")["Table"]
        assert found["DeletionProtectionEnabled"] is True
        backups = dynamodb.describe_continuous_backups(TableName=f"{table}-back")["ContinuousBackupsDescription"]
        assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    expiry = dynamodb.describe_time_to_live(TableName="live-meter-back")["TimeToLiveDescription"]
    assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "expires_at")

    client = JdClient(lost.url, "AK-shop", "SK-shop")
    assert client.cutout(SMALL).json["result"]["status"] == 0
    assert client.cutout(SMALL).json["code"] == 10040, "seven calls of before and this one are the day's eight"
    item = dynamodb.get_item(TableName="live-meter-back", Key={"pk": {"S": "ACCOUNT#shop"}, "sk": {"S": DAY}})["Item"]
    assert item["calls_jdc"] == {"N": "8"}
    assert (lost.state_dir / "denied.txt").exists() is False


def test_a_time_without_a_zone_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        restore.main(["--at", "2026-11-24T10:00:00"])
    assert "needs a zone" in capsys.readouterr().err


def test_what_aws_refuses_is_reported(
    recovering: RunningCloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in credentials_environment(recovering.port).items():
        monkeypatch.setenv(name, value)
    assert restore.main(["--only", "MeterTable", "--metertable", "nothing", "--suffix", "x"]) == 1
    assert "nothing" in capsys.readouterr().err
