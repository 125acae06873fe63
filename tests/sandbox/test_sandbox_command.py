"""`python -m chatbotx_source.sandbox`: says where it is, serves, and ends on Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send")
def test_the_command_serves_until_it_is_interrupted() -> None:
    command = [sys.executable, "-m", "chatbotx_source.sandbox", "--port", "0", "--contacts", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, "it ended before it said how to end it"
            said += line
        base_url = re.search(r"BASE_URL=(http://\S+)", said)
        token = re.search(r"API_TOKEN=(\S+)", said)
        assert base_url
        assert token
        headers = {"Authorization": f"Bearer {token[1]}"}
        request = urllib.request.Request(f"{base_url[1]}/v1/contacts", headers=headers)  # noqa: S310
        with urllib.request.urlopen(request) as response:  # noqa: S310
            assert response.status == 200
        process.send_signal(signal.SIGINT)
        try:
            rest, _ = process.communicate(timeout=10)
        finally:
            process.kill()
    assert (process.returncode, rest.strip()) == (0, "Ended.")
