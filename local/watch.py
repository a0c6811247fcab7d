"""What the emulator lacks of CloudWatch: alarms on queries and on math, and what SQS measures of a queue.

Alarms are judged by relay-local, which then sets their states: the emulator would look at no dimensions and at no missing data.
"""

import time


def left_to_relay_local(_alarm):
    """Stands for the emulator's own judgement."""


def with_metrics(record):
    """Keeps an alarm's `Metrics`, which the emulator refuses, beside what it knows."""

    def recorded(name, properties):
        if not properties.get("Metrics"):
            return record(name, properties)
        known = {key: value for key, value in properties.items() if key != "Metrics"}
        alarm = record(name, {**known, "Namespace": "-", "MetricName": "-"})
        for only_of_one_metric in ("Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit"):
            del alarm[only_of_one_metric]
        return {**alarm, "Metrics": properties["Metrics"]}

    return recorded


class Queues:
    """Stands around two of the emulator's functions: two more attributes of a queue, by the names of SQS's metrics."""

    def __init__(self, sqs):
        self.sqs = sqs

    def sending(self, send):
        def sent(data, address):
            answer = send(data, address)
            queue = self.sqs._get_q(data.get("QueueUrl", address), "sqs:SendMessage")
            queue["sent"] = queue.get("sent", 0) + 1
            return answer

        return sent

    def refreshing(self, refresh):
        def refreshed(queue):
            refresh(queue)
            now = time.time()
            oldest = min((message["sent_at"] for message in queue["messages"]), default=now)
            queue["attributes"]["ApproximateAgeOfOldestMessage"] = str(int(now - oldest))
            queue["attributes"]["NumberOfMessagesSent"] = str(queue.get("sent", 0))

        return refreshed
