"""An Airbyte low-code manifest for contacts and their messages.

What a second run asks for: every contact, down to the newest message known of it (a data feed).
With `CHATBOTX_FORM=quiet` only contacts whose `lastActivityAt` has grown.
"""

import os

QUIET = os.environ.get("CHATBOTX_FORM") == "quiet"
START = "2000-01-01T00:00:00.000Z"
TIME = "%Y-%m-%dT%H:%M:%S.%_msZ"


def cursor(field, **options):
    """A cursor of a time of the API."""
    start = {"type": "MinMaxDatetime", "datetime": START, "datetime_format": TIME}
    return {
        "type": "DatetimeBasedCursor",
        "cursor_field": field,
        "datetime_format": TIME,
        "start_datetime": start,
        **options,
    }


def stream(name, path, query, pagination, page_size, fields, **options):
    """One endpoint."""
    texts, times, numbers, nested = (names.split() for names in fields)
    kinds = (
        *((name, {"type": ["null", "string"]}) for name in texts),
        *((name, {"type": ["null", "string"], "format": "date-time"}) for name in times),
        *((name, {"type": ["null", "boolean"]}) for name in numbers),
        *((name, {"type": ["null", "object"]}) for name in nested),
    )
    retriever = {
        "type": "SimpleRetriever",
        "requester": {
            "type": "HttpRequester",
            "url_base": os.environ["CHATBOTX_URL"] + "/v1",
            "path": path,
            "authenticator": {
                "type": "BearerAuthenticator",
                "api_token": "{{ config['api_token'] }}",
            },
            "request_parameters": query,
            "error_handler": {
                "type": "DefaultErrorHandler",
                "backoff_strategies": [{"type": "WaitTimeFromHeader", "header": "Retry-After"}],
                "response_filters": [
                    {"type": "HttpResponseFilter", "http_codes": [404], "action": "IGNORE"},
                    {"type": "HttpResponseFilter", "http_codes": [429], "action": "RATE_LIMITED"},
                ],
            },
        },
        "record_selector": {
            "type": "RecordSelector",
            "extractor": {"type": "DpathExtractor", "field_path": ["data"]},
        },
        "paginator": {
            "type": "DefaultPaginator",
            "pagination_strategy": pagination,
            "page_size_option": {
                "type": "RequestOption",
                "inject_into": "request_parameter",
                "field_name": "perPage",
            },
            "page_token_option": {
                "type": "RequestOption",
                "inject_into": "request_parameter",
                "field_name": "cursor" if "messages" in path else "page",
            },
        },
    }
    pagination["page_size"] = page_size
    retriever |= options.pop("retriever", {})
    return {
        "type": "DeclarativeStream",
        "name": name,
        "primary_key": "id",
        "retriever": retriever,
        "schema_loader": {
            "type": "InlineSchemaLoader",
            "schema": {"type": "object", "properties": dict(kinds)},
        },
        **options,
    }


contacts = stream(
    "contacts",
    "/contacts",
    {"sort": '[{"id":"id","desc":false}]'},
    {"type": "PageIncrement", "start_from_page": 1},
    50,
    (
        "id phoneNumber email fullName firstName lastName gender country city locale timezone",
        "createdAt updatedAt lastActivityAt",
        "emailVerified emailOptIn",
        "conversation contactInboxes tags contactCustomFields",
    ),
    transformations=[
        {
            "type": "AddFields",
            "fields": [
                {
                    "type": "AddedFieldDefinition",
                    "path": ["lastActivityAt"],
                    "value": "{{ (record['conversation'] or record)['lastActivityAt']"
                    " or record['createdAt'] }}",
                    "value_type": "string",
                }
            ],
        }
    ],
    **(
        {"incremental_sync": cursor("lastActivityAt", is_client_side_incremental=True)}
        if QUIET
        else {}
    ),
)
parent = {
    "type": "ParentStreamConfig",
    "stream": contacts,
    "parent_key": "id",
    "partition_field": "contactId",
    "incremental_dependency": QUIET,
}
messages = stream(
    "messages",
    "/contacts/id:{{ stream_partition['contactId'] }}/messages",
    {},
    {
        "type": "CursorPagination",
        "cursor_value": "{{ response['nextCursor'] }}",
        "stop_condition": "{{ not response.get('nextCursor') }}",
    },
    500,
    (
        "id conversationId contactInboxId workspaceId text messageType contentType senderType "
        "senderId sourceId type parentId contactId",
        "createdAt updatedAt deletedAt",
        "",
        "contentAttributes attributes attachments",
    ),
    retriever={
        "partition_router": {
            "type": "SubstreamPartitionRouter",
            "parent_stream_configs": [parent],
        }
    },
    incremental_sync=cursor("createdAt", is_data_feed=True),
    transformations=[
        {
            "type": "AddFields",
            "fields": [
                {
                    "type": "AddedFieldDefinition",
                    "path": ["contactId"],
                    "value": "{{ stream_partition['contactId'] }}",
                    "value_type": "string",
                }
            ],
        }
    ],
)
MANIFEST = {
    "version": "6.0.0",
    "type": "DeclarativeSource",
    "check": {"type": "CheckStream", "stream_names": ["contacts"]},
    "streams": [contacts, messages],
    "concurrency_level": {
        "type": "ConcurrencyLevel",
        "default_concurrency": 2,
    },
    "spec": {
        "type": "Spec",
        "connection_specification": {
            "type": "object",
            "properties": {"api_token": {"type": "string", "airbyte_secret": True}},
        },
    },
}
