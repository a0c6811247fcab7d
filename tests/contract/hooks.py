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
