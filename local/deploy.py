"""Deploys the real template into the emulator and prints, as one JSON object, what relay-local must know of the stack.

The SAM transform runs here, once: the emulator gets its result, and the HTTP routes are read from it. Four things
differ from a deployment to AWS: code packages are placeholders (relay-local's host runs the binaries), the stream's
event source mapping is disabled (relay-local's driver drives it; a queue's mapping stays the emulator's, which keeps
AWS's rules there), an alias moves to a new version at once (the emulator has no CodeDeploy), and the sender is a verified identity.
"""

import argparse
import hashlib
import io
import json
import os
import re
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import botocore.config
import botocore.session
import yaml
from botocore.exceptions import ClientError
from samtranslator.translator.transform import transform

STACK = "relay"
ARTIFACTS = "relay-artifacts"
KINESIS = ":kinesis:"


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref X` is `{"Ref": "X"}`."""


def short_form(loader, suffix, node):
    readers = {"scalar": loader.construct_scalar, "sequence": loader.construct_sequence}
    read = readers.get(node.id, loader.construct_mapping)
    value = read(node) if node.id == "scalar" else read(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", short_form)


class Emulator:
    """Clients of the emulator's services, each made once."""

    def __init__(self, url, region):
        os.environ.update(
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
            AWS_DEFAULT_REGION=region,
            AWS_CONFIG_FILE=os.devnull,
        )
        self.session, self.url, self.clients = botocore.session.get_session(), url, {}
        self.settings = botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2})

    def __getattr__(self, service):
        if service not in self.clients:
            name = {"functions": "lambda"}.get(service, service)  # `lambda` is a word of Python
            self.clients[service] = self.session.create_client(name, endpoint_url=self.url, config=self.settings)
        return self.clients[service]


def package(template, root, aws):
    """Uploads placeholders and definitions; returns each function's binary: the last folder of its CodeUri."""
    aws.s3.create_bucket(Bucket=ARTIFACTS)
    binaries = {}
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            binaries[name] = Path(properties["CodeUri"]).name
            properties["CodeUri"] = upload(aws, placeholder([template.get("Globals"), properties]), "zip")
        if resource["Type"] == "AWS::Serverless::StateMachine" and "DefinitionUri" in properties:
            definition = (root / properties["DefinitionUri"]).read_bytes()
            properties["DefinitionUri"] = upload(aws, definition, "json")
    return binaries


def placeholder(text):
    """A package that is the same each time, so that a second deploy does not change the functions; and another one with
    each text of the template, because SAM then asks for a version, which Lambda makes of a changed function only."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("bootstrap"), "run by relay-local's host")
        archive.writestr(zipfile.ZipInfo("template"), json.dumps(text, sort_keys=True))
    return buffer.getvalue()


def upload(aws, content, suffix):
    key = f"{hashlib.sha256(content).hexdigest()}.{suffix}"
    aws.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=content)
    return {"Bucket": ARTIFACTS, "Key": key}


def process(template):
    """The SAM transform. The stream's mappings are disabled; their true state is in the facts. No CodeDeploy: the emulator has none."""
    processed = transform(template, {}, SimpleNamespace(load=dict))
    resources = processed["Resources"]
    processed["Resources"] = {name: it for name, it in resources.items() if not it["Type"].startswith("AWS::CodeDeploy::")}
    for resource in processed["Resources"].values():
        resource.pop("UpdatePolicy", None)
        if is_stream_mapping(resource):
            resource["Properties"]["Enabled"] = False
    return processed


def is_stream_mapping(resource):
    return resource["Type"] == "AWS::Lambda::EventSourceMapping" and "StartingPosition" in resource["Properties"]


def deploy(aws, processed, parameters):
    """Creates or updates the stack; returns whether there was none."""
    body = upload(aws, json.dumps(processed).encode(), "template")
    arguments = {
        "StackName": STACK,
        "TemplateURL": f"{aws.url}/{body['Bucket']}/{body['Key']}",
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    cloudformation = aws.cloudformation
    wait = {"StackName": STACK, "WaiterConfig": {"Delay": 1, "MaxAttempts": 120}}
    try:
        cloudformation.describe_stacks(StackName=STACK)
    except ClientError:
        cloudformation.create_stack(**arguments)
        finish(cloudformation, "stack_create_complete", wait)
        return True
    try:
        cloudformation.update_stack(**arguments)
    except ClientError as error:
        if "No updates" not in str(error):
            raise
    else:
        finish(cloudformation, "stack_update_complete", wait)
    return False


def finish(cloudformation, waiter, wait):
    try:
        cloudformation.get_waiter(waiter).wait(**wait)
    except botocore.exceptions.WaiterError:
        events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        reasons = [
            f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in reversed(events)
            if "FAILED" in event["ResourceStatus"] and event.get("ResourceStatusReason")
        ]
        sys.exit("the stack was refused by the emulator:\n  " + "\n  ".join(reasons or ["no reason given"]))


def functions(aws, physical, binaries):
    described = []
    for logical, binary in binaries.items():
        name = physical[logical]
        config = aws.functions.get_function_configuration(FunctionName=name)
        described.append(
            {
                "logical_id": logical,
                "name": name,
                "arn": config["FunctionArn"],
                "role": config["Role"],
                "binary": binary,
                "timeout_seconds": config["Timeout"],
                "memory_mib": config["MemorySize"],
                "environment": config.get("Environment", {}).get("Variables", {}),
                **after_failure(aws, name, config),
            }
        )
    return described


def after_failure(aws, name, config):
    """What AWS does with an asynchronous event that fails: retries, then the destination or the dead-letter queue."""
    try:
        found = aws.functions.get_function_event_invoke_config(FunctionName=name, Qualifier="$LATEST")
    except ClientError:
        found = {}
    queue = config.get("DeadLetterConfig", {}).get("TargetArn")
    return {
        "async_retries": found.get("MaximumRetryAttempts", 2),
        "async_destination": found.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
        "dead_letters": queue,
    }


def mappings(aws, processed, physical):
    described = []
    for logical, resource in processed["Resources"].items():
        if is_stream_mapping(resource):
            config = aws.functions.get_event_source_mapping(UUID=physical[logical])
            properties = resource["Properties"]
            unsupported = {"FilterCriteria", "TumblingWindowInSeconds"} & properties.keys()
            if unsupported:
                sys.exit(f"{logical}: the local stream driver does not know {', '.join(sorted(unsupported))}")
            config.setdefault("StartingPosition", properties["StartingPosition"])
            described.append({"logical_id": logical, **config})
    return described


def routes(processed):
    """Method, path and function of each route, from the OpenAPI body that SAM made of the HttpApi events."""
    found = []
    for resource in processed["Resources"].values():
        if resource["Type"] != "AWS::ApiGatewayV2::Api":
            continue
        for path, methods in resource["Properties"].get("Body", {}).get("paths", {}).items():
            for method, operation in methods.items():
                integration = json.dumps(operation.get("x-amazon-apigateway-integration"))
                # A function, or its alias.
                target = re.search(r"\$\{(\w+?)(?:\.Arn|Aliaslive)\}", integration)
                if not target:
                    continue
                any_method = method == "x-amazon-apigateway-any-method"
                found.append(
                    {
                        "method": "ANY" if any_method else method.upper(),
                        "path": "$default" if path.strip("/") == "$default" else path,
                        "function": target.group(1),
                    }
                )
    return found


def page_headers(processed):
    """The headers that the distribution adds to everything it serves."""
    policies = [r for r in processed["Resources"].values() if r["Type"] == "AWS::CloudFront::ResponseHeadersPolicy"]
    if not policies:
        return {}
    config = policies[0]["Properties"]["ResponseHeadersPolicyConfig"].get("SecurityHeadersConfig", {})
    transport = config.get("StrictTransportSecurity", {})
    subdomains = "; includeSubDomains" if transport.get("IncludeSubdomains") else ""
    headers = {
        "content-security-policy": config.get("ContentSecurityPolicy", {}).get("ContentSecurityPolicy"),
        "x-content-type-options": "nosniff" if "ContentTypeOptions" in config else None,
        "x-frame-options": config.get("FrameOptions", {}).get("FrameOption"),
        "referrer-policy": config.get("ReferrerPolicy", {}).get("ReferrerPolicy"),
        "strict-transport-security": transport and f"max-age={transport['AccessControlMaxAgeSec']}{subdomains}",
    }
    return {name: value for name, value in headers.items() if value}


def facts(aws, processed, binaries):
    pages = aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
    physical = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
    }
    outputs = aws.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0].get("Outputs", [])
    return {
        "outputs": {output["OutputKey"]: output["OutputValue"] for output in outputs},
        "resources": physical,
        "functions": functions(aws, physical, binaries),
        "mappings": mappings(aws, processed, physical),
        "routes": routes(processed),
        "page_headers": page_headers(processed),
    }


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--emulator", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--template", required=True, type=Path)
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    return parser.parse_args()


def main():
    given = arguments()
    aws = Emulator(given.emulator, given.region)
    template = yaml.load(given.template.read_text(), Loader)
    wanted = dict(parameter.split("=", 1) for parameter in given.parameter)
    parameters = {name: value for name, value in wanted.items() if name in template.get("Parameters", {})}
    binaries = package(template, given.template.parent, aws)
    if "MailFrom" in wanted:
        aws.ses.verify_email_identity(EmailAddress=wanted["MailFrom"])
    processed = process(template)
    created = deploy(aws, processed, parameters)
    json.dump({"created": created, **facts(aws, processed, binaries)}, sys.stdout, default=str)


main()
