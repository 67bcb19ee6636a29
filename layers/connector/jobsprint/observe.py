"""The logger. Ids, sizes and codes go in; payloads, headers and secrets never do."""

from aws_lambda_powertools import Logger

logger = Logger(service="jobsprint-integrations")
