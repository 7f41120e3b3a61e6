"""How many records a second `py-ocsf-models` builds and dumps: the peer of the bench `ocsf`.

The first line is a record of API Activity; each further line is a number of turns, and is answered with the rate. The
package has findings only, so the class is declared here, over its base event and of its objects, as a user of it would.
"""

import json
import sys
import time
from typing import Optional

from py_ocsf_models.events.base_event import BaseEvent
from py_ocsf_models.objects.group import Group
from py_ocsf_models.objects.metadata import Metadata
from py_ocsf_models.objects.observable import Observable
from py_ocsf_models.objects.product import Product
from py_ocsf_models.objects.resource_details import ResourceDetails
from pydantic import BaseModel


class User(BaseModel):
    """The package's own requires an account."""

    name: str
    uid: Optional[str] = None
    email_addr: Optional[str] = None
    groups: Optional[list[Group]] = None
    type_id: int


class Actor(BaseModel):
    user: User


class Service(BaseModel):
    name: str


class Api(BaseModel):
    operation: str
    service: Service


class Endpoint(BaseModel):
    ip: str


class HttpRequest(BaseModel):
    user_agent: str


class ApiActivity(BaseEvent):
    activity_id: int
    category_uid: int
    class_uid: int
    type_uid: int
    time: int
    duration: int
    actor: Actor
    api: Api
    src_endpoint: Endpoint
    http_request: HttpRequest
    resources: list[ResourceDetails]


def build(record):
    """By constructors, as a program does that has an event of its own and no record yet."""
    metadata = record["metadata"]
    user = record["actor"]["user"]
    api = record["api"]
    return ApiActivity(
        **{name: record[name] for name in PLAIN},
        metadata=Metadata(**{**metadata, "product": Product(**metadata["product"])}),
        observables=[Observable(**observable) for observable in record["observables"]],
        actor=Actor(user=User(**{**user, "groups": [Group(**group) for group in user["groups"]]})),
        api=Api(operation=api["operation"], service=Service(**api["service"])),
        src_endpoint=Endpoint(**record["src_endpoint"]),
        http_request=HttpRequest(**record["http_request"]),
        resources=[ResourceDetails(**resource) for resource in record["resources"]],
    )


record = json.loads(sys.stdin.readline())
OBJECTS = {"metadata", "observables", "actor", "api", "src_endpoint", "http_request", "resources"}
PLAIN = [name for name in record if name not in OBJECTS]
dumped = json.loads(build(record).model_dump_json(exclude_none=True))
lost = sorted(set(record) - set(dumped))
assert not lost, f"lost: {lost}"
print("ready", flush=True)

for line in sys.stdin:
    turns = int(line)
    begun = time.perf_counter()
    for _ in range(turns):
        build(record).model_dump_json(exclude_none=True)
    print(turns / (time.perf_counter() - begun), flush=True)
