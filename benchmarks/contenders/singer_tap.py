"""A Singer tap of the Meltano SDK for contacts and their messages; a DuckDB target reads it.

What a second run asks for: every contact, down to the newest message known of it. With
`CHATBOTX_FORM=quiet` only contacts whose `lastActivityAt` has grown.
"""

import os
from datetime import datetime
from functools import cached_property, lru_cache

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import JSONPathPaginator, PageNumberPaginator

QUIET = os.environ.get("CHATBOTX_FORM") == "quiet"


@lru_cache(maxsize=1)
def body(response):
    """The JSON of an answer, decoded once for its rows and for what follows them."""
    return response.json()


def moment(time):
    """A time of the API, aware."""
    return datetime.fromisoformat(time.rstrip("Z") + "+00:00")


def without_zone(row):
    """Drops the Z of the times: for its sake the target takes a batch's first row for a header."""
    for name in ("createdAt", "updatedAt", "deletedAt", "lastActivityAt"):
        if row.get(name):
            row[name] = row[name].rstrip("Z")
    return row


def schema(texts, times, flags="", nested=""):
    """The JSON schema of a stream."""
    kinds = ((texts, th.StringType), (times, th.DateTimeType), (flags, th.BooleanType))
    found = {name: {"type": ["null", "object", "array"]} for name in nested.split()}
    for names, kind in kinds:
        found |= {name: th.Property(name, kind).to_dict()[name] for name in names.split()}
    return {"type": "object", "properties": found}


class ApiStream(RESTStream):
    """What both endpoints have in common."""

    url_base = os.environ["CHATBOTX_URL"] + "/v1/contacts"
    records_jsonpath = "$.data[*]"
    primary_keys = ("id",)

    @cached_property
    def authenticator(self):
        """The token."""
        return BearerTokenAuthenticator(token=os.environ["CHATBOTX_TOKEN"])

    def parse_response(self, response):
        """The rows of an answer, without a search by JSONPath for them."""
        return body(response)["data"]

    def backoff_wait_generator(self):
        """Waits as long as the server asks for."""
        return self.backoff_runtime(
            value=lambda error: int(error.response.headers.get("Retry-After", 1))
        )


class LastPage(PageNumberPaginator):
    """Ends after the last page."""

    def has_more(self, response):
        """Whether a page follows."""
        return self.current_value < body(response)["pageCount"]


class Contacts(ApiStream):
    """The listing of all contacts."""

    name = "contacts"
    path = ""
    replication_key = "lastActivityAt" if QUIET else None
    schema = schema(
        "id phoneNumber email fullName firstName lastName gender country city locale timezone",
        "createdAt updatedAt lastActivityAt",
        flags="emailVerified emailOptIn",
        nested="conversation contactInboxes tags contactCustomFields",
    )

    def get_new_paginator(self):
        """From the first page."""
        return LastPage(1)

    def get_url_params(self, context, next_page_token):
        """Fifty contacts, by id."""
        sort = '[{"id":"id","desc":false}]'
        return {"perPage": 50, "sort": sort, "page": next_page_token}

    def post_process(self, row, context=None):
        """Lifts the sign of activity to the top, and notes whose messages are to be read."""
        conversation = row["conversation"]
        row["lastActivityAt"] = conversation and conversation["lastActivityAt"]
        if QUIET and conversation is None:
            return None
        since = self.get_starting_timestamp(context) if QUIET else None
        if conversation and not (since and moment(row["lastActivityAt"]) <= since):
            self._tap.talkers.append({"contactId": row["id"]})
        return without_zone(row)


class NewMessages(JSONPathPaginator):
    """Ends where the messages are known, since they come newest first."""

    def __init__(self, since):
        """Takes the time of the newest message known."""
        super().__init__("$.nextCursor")
        self.since = since

    def get_next(self, response):
        """The cursor of the next page."""
        rows = body(response)["data"]
        if self.since and rows and moment(rows[-1]["createdAt"]) < self.since:
            return None
        return body(response)["nextCursor"]


class Messages(ApiStream):
    """The messages of one contact."""

    name = "messages"
    path = "/id:{contactId}/messages"
    replication_key = "createdAt"
    schema = schema(
        "id conversationId contactInboxId workspaceId text messageType contentType senderType "
        "senderId sourceId type parentId contactId",
        "createdAt updatedAt deletedAt",
        nested="contentAttributes attributes attachments",
    )

    @property
    def partitions(self):
        """The contacts to ask for."""
        return self._tap.talkers

    def post_process(self, row, context=None):
        """Drops the zone of the times."""
        return without_zone(row)

    def request_records(self, context):
        """Notes what is known of the contact before its messages are asked for."""
        if context is None:  # no partition at all
            return iter(())
        self.since = self.get_starting_timestamp(context)
        return super().request_records(context)

    def get_new_paginator(self):
        """Down to what is known."""
        return NewMessages(self.since)

    def get_url_params(self, context, next_page_token):
        """Five hundred messages."""
        return {"perPage": 500} | ({"cursor": next_page_token} if next_page_token else {})


class ChatbotXTap(Tap):
    """The two streams."""

    name = "tap-chatbotx"
    config_jsonschema = th.PropertiesList().to_dict()

    def discover_streams(self):
        """Both of them; the contacts say whose messages are read."""
        self.talkers = []
        return [Contacts(self), Messages(self)]


if __name__ == "__main__":
    ChatbotXTap.cli()
