"""Runs the emulator (ministack) as relay-local's child.

Three of its functions are replaced, because through its own Lambda proxy mode a function error loses its name (a state
machine's Retry could never match it) and an EventBridge rule never retries: both hand the event to relay-local's host.
Two more run less often, because each call of a stream sweeps all that the stream holds. What it lacks of mail stands in mails.py,
what it lacks of alarms and queues in watch.py.

The child ends in order, saving its state, when its standard input closes: so it also does when its parent is killed.
"""

import fcntl
import json
import os
import signal
import sys
import threading
import time
import urllib.request

from mails import Mails
from watch import Queues, left_to_relay_local, with_metrics

SWEEP_SECONDS = 10


def post(function_name, event, invocation_type):
    """Hands an event to the host. The host enforces the function's timeout, so no limit is set here."""
    request = urllib.request.Request(
        os.environ["RELAY_HOST_URL"] + "/" + function_name,
        data=json.dumps(event, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json", "X-Amz-Invocation-Type": invocation_type},
        method="POST",
    )
    with urllib.request.urlopen(request) as response:
        return response.read(), response.headers.get("X-Amz-Function-Error")


def invoke(func, event, _url, _request_id):
    """Stands for the proxy mode: a failed function's own error document is kept as it is."""
    name = (func.get("config") or func)["FunctionName"]
    try:
        body, error = post(name, event, "RequestResponse")
    except OSError as problem:
        return {"body": {"errorType": "Lambda.ServiceException", "errorMessage": str(problem)}, "error": True}
    result = {"body": json.loads(body or b"null")}
    return {**result, "error": True} if error else result


def deliver(arn, payload):
    """Stands for a rule's Lambda target: the host queues the event, retries it and knows its dead-letter queue."""
    name = arn.split(":function:")[1].split(":")[0]
    threading.Thread(target=post, args=(name, json.loads(payload), "Event"), daemon=True).start()


def sparing(sweep):
    """Runs a sweep at most every few seconds for one stream; what is late in going does no harm."""
    due = {}

    def swept(stream=None):
        name, now = stream and stream["StreamARN"], time.monotonic()
        if now >= due.get(name, 0):
            due[name] = now + SWEEP_SECONDS
            return sweep(stream) if stream else sweep()

    return swept


def replace(module, name, function):
    """Refuses to start on an emulator that is not the pinned one."""
    if not callable(getattr(module, name, None)):
        sys.exit(f"this emulator has no {module.__name__}.{name}: install the version pinned in local/requirements.txt")
    setattr(module, name, function)


def end_with_parent():
    """The parent never writes: reading returns when it closes the pipe or is gone."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main():
    lock = open(os.path.join(os.environ["STATE_DIR"], "lock"), "w")
    fcntl.flock(lock, fcntl.LOCK_EX)  # an orphan of a killed run may still be saving its state
    from ministack import app
    from ministack.services import cloudwatch, eventbridge, kinesis, lambda_svc, ses_v2, sqs
    from ministack.services.cloudformation import provisioners

    replace(lambda_svc, "_proxy_url_for", lambda config: os.environ["RELAY_HOST_URL"])
    replace(lambda_svc, "_execute_function_proxy", invoke)
    replace(eventbridge, "_dispatch_to_lambda", deliver)
    replace(kinesis, "_expire_records", sparing(kinesis._expire_records))
    replace(kinesis, "_expire_iterators", sparing(kinesis._expire_iterators))
    mails = Mails(ses_v2, eventbridge)
    replace(ses_v2, "handle_request", mails.sending(ses_v2.handle_request))
    replace(app, "_handle_ses_messages_request", mails.listing(app._handle_ses_messages_request))
    replace(cloudwatch, "_evaluate_alarm", left_to_relay_local)
    replace(provisioners, "_cw_metric_alarm_record", with_metrics(provisioners._cw_metric_alarm_record))
    queues = Queues(sqs)
    replace(sqs, "_refresh_counts", queues.refreshing(sqs._refresh_counts))
    replace(sqs, "_act_send_message", queues.sending(sqs._act_send_message))
    sqs._HANDLERS["SendMessage"] = sqs._act_send_message
    threading.Thread(target=end_with_parent, daemon=True).start()
    app.main()


main()
