"""The stream's reader as it is usually written: each activity becomes an item of its own, 25 of them a call."""

import os
import random
import time
from base64 import b64decode
from datetime import datetime, timezone

import orjson

from clients import client
from runtime import run

dynamodb = client("dynamodb")
ITEMS_TABLE = os.environ["ITEMS_TABLE"]
ITEMS_A_CALL = 25
KEPT_S = 90 * 86_400


def item(activity: dict) -> dict:
    at = datetime.fromtimestamp(activity["created_at"] // 1000, timezone.utc).isoformat()
    item = {name: {"N": str(value)} if type(value) is int else {"S": str(value)} for name, value in activity.items()}
    item["pk"] = {"S": f"{activity['app_token']}#{activity['kind']}#{at[:10]}"}
    item["sk"] = {"S": f"{at[11:19]}#{activity['id']}"}
    item["expires_at"] = {"N": str(activity["created_at"] // 1000 + KEPT_S)}
    return {"PutRequest": {"Item": item}}


def write(requests: list) -> None:
    for attempt in range(6):
        if attempt:
            time.sleep(0.05 * 2**attempt * random.random())
        answer = dynamodb.batch_write_item(RequestItems={ITEMS_TABLE: requests})
        requests = answer.get("UnprocessedItems", {}).get(ITEMS_TABLE)
        if not requests:
            return
    raise RuntimeError("the table does not take the items")


def handle(text: bytes) -> dict:
    records = orjson.loads(text)["Records"]
    requests = [item(activity) for record in records for activity in orjson.loads(b64decode(record["kinesis"]["data"]))]
    for first in range(0, len(requests), ITEMS_A_CALL):
        write(requests[first : first + ITEMS_A_CALL])
    return {"batchItemFailures": []}


run(handle)
