"""A local stand-in of the ChatbotX API, with synthetic data and faults on demand.

It knows nothing of the source it helps to test, so that it can be its judge.

Example:
    >>> workspace = Workspace()
    >>> contact_id = workspace.add_contact(email="mai@example.com")
    >>> message_id = workspace.add_message(contact_id, text="Hi!")
    >>> with Sandbox(workspace) as sandbox:
    ...     fault = sandbox.faults.add(Fault("status", on="messages", status=503))
    ...     # requests to sandbox.base_url with sandbox.token
    >>> [event.kind for event in workspace.events]
    ['contact_added', 'conversation_started', 'message_added']
"""

from chatbotx_source.sandbox.faults import Fault, FaultList, Request
from chatbotx_source.sandbox.server import Sandbox
from chatbotx_source.sandbox.state import Event, Truth
from chatbotx_source.sandbox.synthetic import synthetic
from chatbotx_source.sandbox.workspace import Workspace

__all__ = [
    "Event",
    "Fault",
    "FaultList",
    "Request",
    "Sandbox",
    "Truth",
    "Workspace",
    "synthetic",
]
