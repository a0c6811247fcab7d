"""What the emulator lacks of mail: a mail's header fields in the inbox, and SES's mailbox simulator.

A mail to bounce@simulator.amazonses.com comes back and one to complaint@simulator.amazonses.com is reported as spam, as
on AWS: by an event on the default bus, where the mail's configuration set has such a destination.
"""

import functools
import json
from datetime import UTC, datetime

SIMULATOR = "@simulator.amazonses.com"


def event(sent, message_id, address):
    """The event type and detail of what becomes of a mail; nothing for an address that takes it."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    tags = {tag["Name"]: [tag["Value"]] for tag in sent.get("EmailTags", [])}
    tags["ses:configuration-set"] = [sent["ConfigurationSetName"]]
    mail = {"messageId": message_id, "timestamp": now, "source": sent["FromEmailAddress"], "destination": [address], "tags": tags}
    common = {"timestamp": now, "feedbackId": message_id}
    if address == "bounce" + SIMULATOR:
        recipient = {"emailAddress": address, "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
        bounce = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [recipient], **common}
        return "BOUNCE", "Email Bounced", {"eventType": "Bounce", "mail": mail, "bounce": bounce}
    if address == "complaint" + SIMULATOR:
        complaint = {"complainedRecipients": [{"emailAddress": address}], "complaintFeedbackType": "abuse", **common}
        return "COMPLAINT", "Email Complaint Received", {"eventType": "Complaint", "mail": mail, "complaint": complaint}
    return None


class Mails:
    """Stands around three of the emulator's functions."""

    def __init__(self, ses_v2, eventbridge):
        self.ses_v2, self.eventbridge, self.headers = ses_v2, eventbridge, {}

    def sending(self, handle):
        @functools.wraps(handle)
        async def handled(method, path, headers, body, query):
            answer = await handle(method, path, headers, body, query)
            if method == "POST" and path.rstrip("/").endswith("/outbound-emails") and answer[0] == 200:
                self.sent(json.loads(body), json.loads(answer[2])["MessageId"])
            return answer

        return handled

    def sent(self, sent, message_id):
        self.headers[message_id] = sent.get("Content", {}).get("Simple", {}).get("Headers", [])
        for address in sent.get("Destination", {}).get("ToAddresses", []):
            if sent.get("ConfigurationSetName") and (happened := event(sent, message_id, address.lower())):
                self.publish(sent["ConfigurationSetName"], *happened)

    def publish(self, configuration_set, kind, detail_type, detail):
        destinations = self.ses_v2._config_sets.get(configuration_set, {}).get("EventDestinations", {})
        wanted = (one for one in destinations.values() if one.get("Enabled") and kind in one.get("MatchingEventTypes", []))
        if any("EventBridgeDestination" in one for one in wanted):
            entry = {"Source": "aws.ses", "DetailType": detail_type, "Detail": json.dumps(detail)}
            self.eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)

    def listing(self, messages):
        @functools.wraps(messages)
        async def listed(*arguments):
            answer = await messages(*arguments)
            if answer is None or answer[0] != 200:
                return answer
            document = json.loads(answer[2])
            for mail in (mail for mails in document["messages"].values() for mail in mails):
                mail["Headers"] = self.headers.get(mail["MessageId"], [])
            return answer[0], answer[1], json.dumps(document).encode()

        return listed
