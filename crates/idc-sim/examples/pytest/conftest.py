"""Fixtures that give each test its own simulated AWS account.

One `idc-sim` serves the whole test run, because a reset between tests is faster than a start. The variable IDC_SIM names
the program. Without it, the fixtures look for `idc-sim` in PATH.
"""

import contextlib
import os
import shlex
import shutil
import subprocess
import urllib.request

import boto3
import pytest


def start_idc_sim(*arguments):
    """Starts idc-sim on a free port. Returns the process, and the environment variables that it printed."""
    program = os.environ.get("IDC_SIM") or shutil.which("idc-sim")
    if program is None:
        pytest.fail("idc-sim is not in PATH. Set IDC_SIM to the program.", pytrace=False)
    process = subprocess.Popen(
        [program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    variables = {}
    # The server prints its variables when it is ready. HOME is the last one that it always prints.
    for line in process.stdout:
        _, assignment = shlex.split(line)
        name, _, value = assignment.partition("=")
        variables[name] = value
        if name == "HOME":
            return process, variables
    _, message = process.communicate()
    pytest.fail(f"idc-sim does not start: {message}", pytrace=False)


def stop(process):
    """Stops the server. It removes its temporary home folder."""
    process.terminate()
    process.communicate(timeout=10)


def use(monkeypatch, variables):
    """Points this process to a server. Removes the developer's own settings, such as AWS_PROFILE."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    # Requests for the server must not go through a proxy. Python prefers the variable in lower case.
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


@pytest.fixture(scope="session")
def server():
    """The server of the test run, as its environment variables."""
    process, variables = start_idc_sim("enabled")
    yield variables
    stop(process)


@pytest.fixture(autouse=True)
def aws(server, monkeypatch):
    """Each test starts with Identity Center enabled, and without users or permission sets."""
    use(monkeypatch, server)
    request = urllib.request.Request(server["AWS_ENDPOINT_URL"] + "/_sim/reset", method="POST")
    urllib.request.urlopen(request, timeout=10).close()
    # A new session, because boto3's default session keeps the credentials of its first use.
    return boto3.Session()


@pytest.fixture
def aws_with_faults(tmp_path, monkeypatch):
    """Returns a function that starts another server with a faults file, and returns a session for it.

    Faults need their own server: a reset removes them, and only a start reads the file.
    """
    with contextlib.ExitStack() as servers:

        def start(faults):
            path = tmp_path / "faults.toml"
            path.write_text(faults)
            process, variables = start_idc_sim("enabled", "--faults", str(path))
            servers.callback(stop, process)
            use(monkeypatch, variables)
            return boto3.Session()

        yield start
