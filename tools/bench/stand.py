"""The service on moto in this process, made from template.yaml, with a tenant that has a webhook."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto import mock_aws

from tests.support.partiql import conditions_hold
from tests.support.resources import create_resources
from tests.support.template import environment

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
PARAMETERS = {"AllowPrivateTargets": "true", "AllowLoopbackTargets": "true"}


@contextmanager
def standing() -> Iterator[None]:
    """Sets the environment and makes every table and queue."""
    os.environ.update(ENVIRONMENT)
    from jobsprint.connectors import signed_post
    from jobsprint.delivery import dispatcher
    from tests.support.sender import close

    with mock_aws(), conditions_hold():
        os.environ.update(environment(create_resources(boto3.client) | PARAMETERS))
        yield
    # Else the garbage collector warns of their sockets, in whatever test runs by then.
    close(dispatcher._client)
    close(signed_post.client)
