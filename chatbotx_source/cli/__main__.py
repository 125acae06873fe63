"""`python -m chatbotx_source.cli`: runs the command where it is not installed as a script."""

from chatbotx_source.cli import script

script()
