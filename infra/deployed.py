"""What `cargo xtask deploy` asks AWS itself, beside what it leaves to `sam`: who calls, what a stack is, the page's files.

Each verb prints one JSON object. Everything but botocore, which comes with SAM, is Python's own. Credentials, profile,
region and AWS_ENDPOINT_URL are found as every AWS tool finds them.
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import botocore.awsrequest
import botocore.config
import botocore.exceptions
import botocore.httpsession
import botocore.session

INDEX = "index.html"
# By the end of a file's name. Python's own table differs from machine to machine.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
FOR_EVER = "public, max-age=31536000, immutable"
# Asked for again each time; CloudFront keeps it for a second.
EACH_TIME = "no-cache"
# A page that is open in a tab loads parts of its own release when they are first needed.
KEPT = timedelta(days=14)


class Refused(Exception):
    """Ends the program with a sentence for its user."""


def identity(aws, _given):
    """Whose credentials these are."""
    caller = aws("sts").get_caller_identity()
    return {"account": caller["Account"], "arn": caller["Arn"]}


def stack(aws, given):
    """A stack's state, parameters and outputs; no state where there is none."""
    try:
        found = aws("cloudformation").describe_stacks(StackName=given.stack)["Stacks"][0]
    except botocore.exceptions.ClientError as error:
        if "does not exist" not in str(error):
            raise
        return {"status": None, "parameters": {}, "outputs": {}}
    return {
        "status": found["StackStatus"],
        "parameters": {one["ParameterKey"]: one.get("ParameterValue", "") for one in found.get("Parameters", [])},
        "outputs": {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])},
    }


def unconfirmed(aws, given):
    """How many change sets of sam's nobody has said yes to; carrying one out takes the others away."""
    sets = aws("cloudformation").list_change_sets(StackName=given.stack)["Summaries"]
    names = [one["ChangeSetName"] for one in sets if one.get("ExecutionStatus") == "AVAILABLE"]
    return {"change_sets": sum(name.startswith("samcli-deploy") for name in names)}


def publish(aws, given):
    """Brings a site into its bucket: what it names before what names it, so that no reader ever finds a gap."""
    s3, bucket = aws("s3"), given.bucket
    files = {path.relative_to(given.site).as_posix(): path for path in given.site.rglob("*") if path.is_file()}
    index = files.pop(INDEX, None)
    if index is None:
        raise Refused(f"{given.site} has no {INDEX}")
    there = listed(s3, bucket)
    changed = not files.keys() <= there.keys() or content(s3, bucket, INDEX) != index.read_bytes()
    if changed:
        # All of them, also those that an earlier deploy of the same page left: their age says until when they are kept.
        for name in sorted(files):
            put(s3, bucket, name, files[name], FOR_EVER)
        put(s3, bucket, INDEX, index, EACH_TIME)
        invalidate(aws, given.distribution)
        there = listed(s3, bucket)
    removed = outlived(there, files, datetime.now(UTC))
    for name in removed:
        s3.delete_object(Bucket=bucket, Key=name)
    return {"uploaded": len(files) + 1 if changed else 0, "removed": len(removed)}


def put(s3, bucket, name, path, cache_control):
    kind = TYPES.get(path.suffix)
    if kind is None:
        raise Refused(f"{name}: no content type is known for files that end in {path.suffix or 'nothing'}")
    s3.put_object(Bucket=bucket, Key=name, Body=path.read_bytes(), ContentType=kind, CacheControl=cache_control)


def listed(s3, bucket):
    """When each object was uploaded."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {one["Key"]: one["LastModified"] for page in pages for one in page.get("Contents", [])}


def content(s3, bucket, name):
    try:
        return s3.get_object(Bucket=bucket, Key=name)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None


def invalidate(aws, distribution):
    """Shows the new page at once. One that is missed heals by itself, since the page is asked for each time."""
    paths = ["/", f"/{INDEX}"]
    batch = {"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": str(time.time_ns())}
    aws("cloudfront").create_invalidation(DistributionId=distribution, InvalidationBatch=batch)


def folder(name):
    """The release that a file belongs to: `a/<hash>`, and nothing for files from before there were such folders."""
    parts = PurePosixPath(name).parts
    return "/".join(parts[:2]) if len(parts) > 2 and parts[0] == "a" else ""


def outlived(there, current, now):
    """The files of releases that were replaced long ago, never those of the present one."""
    uploaded = {}
    for name, when in there.items():
        if name != INDEX:
            uploaded[folder(name)] = max(when, uploaded.get(folder(name), when))
    in_order = sorted(uploaded, key=uploaded.get)
    replaced = {old: uploaded[new] for old, new in zip(in_order, in_order[1:], strict=False)}
    kept = {folder(name) for name in current}
    gone = {old for old, when in replaced.items() if old not in kept and when + KEPT < now}
    return sorted(name for name in there if name != INDEX and folder(name) in gone)


def reach(_aws, given):
    """Asks for an address until it answers as it should: what was deployed a moment ago may need one more."""
    session, last = botocore.httpsession.URLLib3Session(timeout=20), ""
    end = time.monotonic() + given.within
    while True:
        try:
            answer = session.send(botocore.awsrequest.AWSRequest("GET", given.url).prepare())
            if answer.status_code == 200 and given.holds.encode() in answer.content:
                return {"status": 200}
            last = f"answered {answer.status_code}" + (f", without {given.holds}" if answer.status_code == 200 else "")
        except botocore.exceptions.BotoCoreError as error:
            last = str(error)
        if time.monotonic() >= end:
            raise Refused(f"{given.url}: {last}")
        time.sleep(3)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--region")
    verbs = parser.add_subparsers(required=True)
    verbs.add_parser("identity").set_defaults(verb=identity)
    one = verbs.add_parser("stack")
    one.add_argument("stack")
    one.set_defaults(verb=stack)
    one = verbs.add_parser("unconfirmed")
    one.add_argument("stack")
    one.set_defaults(verb=unconfirmed)
    one = verbs.add_parser("publish")
    one.add_argument("--bucket", required=True)
    one.add_argument("--distribution", required=True)
    one.add_argument("site", type=Path)
    one.set_defaults(verb=publish)
    one = verbs.add_parser("reach")
    one.add_argument("--holds", default="")
    one.add_argument("--within", type=float, default=180, help="seconds")
    one.add_argument("url")
    one.set_defaults(verb=reach)
    return parser.parse_args()


def clients(region):
    session = botocore.session.get_session()
    config = botocore.config.Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10)

    def client(service):
        return session.create_client(service, region_name=region, config=config)

    return client


def main():
    given = arguments()
    try:
        json.dump(given.verb(clients(given.region), given), sys.stdout)
    except (Refused, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
