"""A worker as it is usually written: queries an item an activity, writes rows with the csv module, uploads parts.

usage: export.py ENDPOINT attributes|documents MINUTES COLUMNS; tells rows, cpu_us and peak_kib as JSON
"""

import csv
import io
import json
import resource
import sys
import time
from datetime import datetime, timedelta, timezone

import boto3
from botocore.config import Config

SEOUL = timezone(timedelta(hours=9))
TIMES = {"created_at", "received_at", "click_time", "impression_time", "installed_at", "install_begin_time", "install_finish_time", "reattributed_at"}
PART_BYTES = 16 * 1024 * 1024
FIRST_DAY = datetime(2026, 10, 31, tzinfo=timezone.utc)


def client(service: str, endpoint: str):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        config=Config(parameter_validation=False, s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
    )


def local_time(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, SEOUL).isoformat(" ")[:19]


def extra_text(extra: dict) -> str:
    return json.dumps(extra, ensure_ascii=False, separators=(",", ":"))


def from_documents(items, names):
    """Rows of items whose activity is one JSON text."""
    for item in items:
        activity = json.loads(item["doc"]["S"])
        for name in TIMES & activity.keys():
            activity[name] = local_time(activity[name])
        activity["extra"] = extra_text(activity["extra"])
        yield [activity.get(name) for name in names]


def from_attributes(items, names):
    """Rows of items whose attributes are an activity's fields."""
    for item in items:
        activity = {name: next(iter(value.values())) for name, value in item.items()}
        for name in TIMES & activity.keys():
            activity[name] = local_time(int(activity[name]))
        activity["extra"] = extra_text({name: value["S"] for name, value in activity["extra"].items()})
        yield [activity.get(name) for name in names]


def pages(dynamodb, table: str, minutes: int):
    """What the queries answer, day by day."""
    paginator = dynamodb.get_paginator("query")
    for day in range((15 * 60 + minutes - 1) // 1440 + 1):
        date = (FIRST_DAY + timedelta(days=day)).date()
        yield from paginator.paginate(
            TableName=table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :from AND :to",
            ExpressionAttributeValues={":pk": {"S": f"2fm9gkqubvpc#event#{date}"}, ":from": {"S": "0000"}, ":to": {"S": "2400"}},
        )


class Upload:
    """A file in parts, written as text."""

    def __init__(self, s3, key: str):
        self.s3, self.place = s3, {"Bucket": "exports", "Key": key}
        self.upload_id = s3.create_multipart_upload(**self.place)["UploadId"]
        self.parts = []
        self.bytes = io.BytesIO()
        self.text = io.TextIOWrapper(self.bytes, encoding="utf-8", newline="")

    def put(self):
        self.text.flush()
        number = len(self.parts) + 1
        part = self.s3.upload_part(**self.place, UploadId=self.upload_id, PartNumber=number, Body=self.bytes.getvalue())
        self.parts.append({"PartNumber": number, "ETag": part["ETag"]})
        self.bytes.seek(0)
        self.bytes.truncate()

    def complete(self):
        self.put()
        self.s3.complete_multipart_upload(**self.place, UploadId=self.upload_id, MultipartUpload={"Parts": self.parts})


def main() -> None:
    endpoint, table, minutes, columns = sys.argv[1:]
    names = columns.split(",")
    began = time.process_time()
    dynamodb, upload = client("dynamodb", endpoint), Upload(client("s3", endpoint), table)
    writer = csv.writer(upload.text, lineterminator="\n")
    writer.writerow(names)
    rows_of = {"attributes": from_attributes, "documents": from_documents}[table]
    rows = 0
    for page in pages(dynamodb, table, int(minutes)):
        writer.writerows(rows_of(page["Items"], names))
        rows += len(page["Items"])
        if upload.bytes.tell() >= PART_BYTES:
            upload.put()
    upload.complete()
    cpu = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    json.dump({"rows": rows, "cpu_us": int(cpu * 1e6), "peak_kib": peak}, sys.stdout)


main()
