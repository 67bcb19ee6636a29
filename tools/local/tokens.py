"""Token administration: the function that no HTTP route reaches, invoked locally or in AWS."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.local import sam, stack
from tools.local.console import Failure
from tools.local.emulator import running_address
from tools.local.options import STACK, Home

_FUNCTION = "ManageTokensFunction"


def issue(
    clients: "Clients",
    tenant: str,
    scopes: list[str],
    expires_in_days: int | None,
    *,
    actions: Sequence[str] = (),
    read_only: bool = False,
) -> str:
    """A new token, maybe limited to patterns of actions or to reading; it is shown this once."""
    answer = clients.manage(
        action="issue",
        tenant=tenant,
        scopes=scopes,
        expiresInDays=expires_in_days,
        actions=list(actions),
        readOnly=read_only,
    )
    return str(answer["token"])


# The catalogue function may take its whole 15 minutes, and must not be started twice.
_PATIENT = Config(read_timeout=910, retries={"total_max_attempts": 1})


class Clients:
    """The functions of one deployed stack that no HTTP route reaches."""

    def __init__(self, cloudformation: Any, functions: Any, stack_name: str) -> None:
        self._cloudformation = cloudformation
        self._functions = functions
        self._stack_name = stack_name

    @classmethod
    def local(cls, home: Home) -> "Clients":
        """The running local stack."""
        endpoint = running_address(home)
        return cls(stack.client("cloudformation", endpoint), stack.client("lambda", endpoint, _PATIENT), STACK)

    @classmethod
    def deployed(cls, stage: str) -> "Clients":
        """A stack in AWS, with the caller's own credentials."""
        settings = sam.stage_settings(stage)
        region = str(settings["region"])
        cloudformation = stack.deployed_client("cloudformation", region)
        return cls(cloudformation, stack.deployed_client("lambda", region, _PATIENT), str(settings["stack_name"]))

    def api_url(self) -> str:
        """The base URL of the stack's API in AWS."""
        return stack.outputs(self._cloudformation, self._stack_name)["ApiUrl"]

    def manage(self, **request: object) -> dict[str, Any]:
        """Invoke the token function and return its answer."""
        return self.invoke(_FUNCTION, request, "token function")

    def invoke(self, output: str, request: Mapping[str, object], called: str) -> dict[str, Any]:
        """Invoke the function that an output of the stack names and return its answer."""
        try:
            function = stack.outputs(self._cloudformation, self._stack_name)[output]
            answer = self._functions.invoke(FunctionName=function, Payload=json.dumps(request))
        except (BotoCoreError, ClientError) as error:
            raise Failure(f"The {called} of {self._stack_name} cannot be reached: {error}") from None
        result: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise Failure(f"The {called} refused: {_plain(str(result.get('errorMessage', result)))}")
        return result


def _plain(message: str) -> str:
    """The rule that a request broke, out of pydantic's report about it."""
    broken = re.search(r"Value error, (.*?) \[type=", message, re.DOTALL)
    return broken[1] if broken else " ".join(message.split())
