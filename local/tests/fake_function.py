#!/usr/bin/env python3
"""A function for tests: speaks the Lambda Runtime API and does what its event says."""

import base64
import http.client
import json
import os
import sys
import time

ROOT = "/2018-06-01/runtime/"


class Failure(Exception):
    """Raised to be reported under the name of its first argument."""


def call(api, method, path, document=None):
    api.request(method, ROOT + path, None if document is None else json.dumps(document))
    answer = api.getresponse()
    return answer, answer.read()


def on_stream(event):
    """Notes every call; a record of `poison` fails alone, one of `crash` fails the whole batch."""
    records = event["Records"]
    data = [base64.b64decode(record["kinesis"]["data"]).decode() for record in records]
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(json.dumps(data) + "\n")
    if any(item.startswith("crash") for item in data):
        raise Failure("Test.Crash", "a record of this batch crashes it")
    failed = [record for record, item in zip(records, data) if item.startswith("poison")]
    return {"batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]} for record in failed]}


def act(event, headers):
    if "Records" in event:
        return on_stream(event)
    match event.get("do"):
        case "fail":
            raise Failure(event["as"], "as told")
        case "exit":
            os._exit(3)
        case "hang":
            time.sleep(600)
        case "large":
            return "x" * event["bytes"]
        case "environment":
            return dict(os.environ)
        case "headers":
            return dict(headers)
        case "flaky":
            with open(os.environ["NOTES"], "a+") as notes:
                notes.write("called\n")
                notes.seek(0)
                if len(notes.readlines()) < event["succeeds_at"]:
                    raise Failure("Test.Flaky", "not yet")
    if event.get("version") == "2.0":
        return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}
    return {"pid": os.getpid(), "event": event}


def main():
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    if os.environ.get("INIT") == "error":
        call(api, "POST", "init/error", {"errorType": "Test.NoConfig", "errorMessage": "no configuration"})
        sys.exit(1)
    while True:
        answer, body = call(api, "GET", "invocation/next")
        request = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            call(api, "POST", f"invocation/{request}/response", act(json.loads(body), answer.headers))
        except Failure as failure:
            error = {"errorType": failure.args[0], "errorMessage": failure.args[1]}
            call(api, "POST", f"invocation/{request}/error", error)


main()
