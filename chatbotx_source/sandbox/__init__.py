"""A local stand-in of the ChatbotX API, with synthetic data and faults on demand."""

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
