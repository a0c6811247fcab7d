"""What schemathesis cannot know of Relay by itself; tests/contract/schemathesis.toml names this file."""

from datetime import UTC, datetime, timedelta

import schemathesis
from hypothesis import strategies


@schemathesis.serializer("application/x-ndjson")
def lines(_context, value) -> bytes:
    """The contract has lines as one text. A body that is to be wrong may be anything."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


# A day that holds nothing, which is answered at once, and today, of which `cargo xtask test contract` sends activities: each export of it runs.
TODAY = datetime.now(UTC).date()
DAYS = [TODAY - timedelta(days=200), TODAY]
schemathesis.openapi.format("date", strategies.sampled_from([day.isoformat() for day in DAYS]))


@schemathesis.hook
def filter_failure(_context, _failure, _case, response) -> bool:
    """A request line with headers of more than 10,240 bytes never comes to Relay: API Gateway refuses it by itself (quotas of HTTP APIs), as the front door does."""
    return response.status_code != 431
