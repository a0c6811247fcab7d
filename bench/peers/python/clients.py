"""Clients of boto3 as fast as it lets them be: connections that stay open, no second look at parameters that the code itself has made."""

from botocore.config import Config
from botocore.session import get_session


def client(service: str):
    """The low-level client; the resource layer would only add to it."""
    config = Config(parameter_validation=False, tcp_keepalive=True, retries={"mode": "standard", "max_attempts": 2})
    return get_session().create_client(service, config=config)
