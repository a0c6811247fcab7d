"""The door as it is usually written: looks the key up once, parses a callback or a batch, and puts it to the stream as JSON."""

import hashlib
import os
import time
import uuid
from functools import cache
from urllib.parse import parse_qsl

import orjson

from clients import client
from runtime import run

dynamodb, kinesis = client("dynamodb"), client("kinesis")
STREAM_NAME, CONTROL_TABLE = os.environ["STREAM_NAME"], os.environ["CONTROL_TABLE"]


@cache
def exists(pk: str, sk: str) -> bool:
    return "Item" in dynamodb.get_item(TableName=CONTROL_TABLE, Key={"pk": {"S": pk}, "sk": {"S": sk}})


@cache
def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def answer(status: int, body: dict) -> dict:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": orjson.dumps(body).decode()}


def handle(text: bytes) -> dict:
    event = orjson.loads(text)
    fields = dict(parse_qsl(event["rawQueryString"], keep_blank_values=True))
    key = fields.pop("key", None)
    if key is None or not exists(f"key#{digest(key)}", "key"):
        return answer(401, {"code": "unauthorized"})
    if event["requestContext"]["http"]["method"] == "GET":
        items = [{"kind": fields.get("activity_kind"), **fields}]
    else:
        items = orjson.loads(event["body"])
    received_at = int(time.time() * 1000)
    for item in items:
        if not exists(f"app#{item.get('app_token')}", "app"):
            return answer(400, {"code": "unknown_app"})
        item["id"] = str(uuid.uuid4())
        item["received_at"] = received_at
    # A batch travels as one record: the cheapest way there is.
    kinesis.put_record(StreamName=STREAM_NAME, PartitionKey=items[0]["id"], Data=orjson.dumps(items))
    return answer(200, {"accepted": len(items)})


run(handle)
