"""A simulated AWS for a test, in the manner of Testcontainers: a class that starts and stops a server.

    with IdcSim("complete", latency="20ms") as sim:
        boto3.client("sso-admin", **sim.client_options()).list_instances()

It needs only the standard library. The variable IDC_SIM names the program. Without it, `idc-sim` must be in PATH.
"""

import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path


class IdcSimError(Exception):
    """The server did not start."""


class IdcSim:
    """A server with its own simulated AWS account, on a free port of 127.0.0.1."""

    def __init__(self, scenario="enabled", *, faults=None, quota=None, latency=None, program=None, timeout=10):
        """Prepares a server. `start` starts it.

        scenario: the name of a scenario, or the path of a scenario file.
        faults: the path of a faults file.
        quota: "aws" for the request quota of Identity Center.
        latency: the latency of each API call, such as "80ms".
        program: the program to start.
        timeout: how many seconds the server may take to start or to stop.
        """
        self._arguments = [str(scenario)]
        for option, value in (("--faults", faults), ("--quota", quota), ("--latency", latency)):
            if value is not None:
                self._arguments += [option, str(value)]
        self._program = program or os.environ.get("IDC_SIM") or shutil.which("idc-sim")
        self._timeout = timeout
        self._process = None
        self._variables = {}
        # A proxy in the environment must not get the requests for 127.0.0.1.
        self._http = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def start(self):
        """Starts the server, and waits until it answers. Returns this object."""
        if self._process is not None:
            raise IdcSimError("The server runs already.")
        if self._program is None:
            raise IdcSimError("idc-sim is not in PATH. Set IDC_SIM to the program.")
        deadline = time.monotonic() + self._timeout
        with tempfile.TemporaryDirectory() as folder:
            stdout, stderr = Path(folder, "stdout"), Path(folder, "stderr")
            with stdout.open("wb") as out, stderr.open("wb") as err:
                self._process = subprocess.Popen([self._program, *self._arguments], stdout=out, stderr=err)
            try:
                while not self._is_ready(stdout):
                    if self._process.poll() is not None:
                        raise IdcSimError(stderr.read_text().strip())
                    if time.monotonic() > deadline:
                        raise IdcSimError(f"The server is not ready after {self._timeout} seconds.")
                    time.sleep(0.01)
            except BaseException:
                self.stop()
                raise
        return self

    def stop(self):
        """Stops the server. The simulated account is lost. Does nothing if no server runs."""
        process, self._process, self._variables = self._process, None, {}
        if process is None:
            return
        process.terminate()
        try:
            process.wait(self._timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        """The endpoint URL for all services."""
        return self._variable("AWS_ENDPOINT_URL")

    def environment(self):
        """Returns the environment for a program that uses the server, without this process's own AWS settings."""
        self._variable("AWS_ENDPOINT_URL")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return inherited | self._variables | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}

    def client_options(self):
        """Returns the arguments for `boto3.client` and `boto3.Session.client`."""
        return {
            "endpoint_url": self.url,
            "region_name": self._variable("AWS_REGION"),
            "aws_access_key_id": self._variable("AWS_ACCESS_KEY_ID"),
            "aws_secret_access_key": self._variable("AWS_SECRET_ACCESS_KEY"),
            "aws_session_token": self._variable("AWS_SESSION_TOKEN"),
        }

    def reset(self):
        """Restores the scenario. Removes the faults too: start another server to have them again."""
        self._request("POST", "/_sim/reset")

    def state(self):
        """Returns the state of the simulated account."""
        return self._request("GET", "/_sim/state")

    def _is_ready(self, stdout):
        """Returns whether the server has printed all variables and answers."""
        lines = [line for line in stdout.read_text().splitlines(keepends=True) if line.endswith("\n")]
        variables = dict(shlex.split(line)[1].split("=", 1) for line in lines)
        # HOME is the last variable that the server always prints.
        if "HOME" not in variables:
            return False
        self._variables = variables
        try:
            return self._request("GET", "/_sim/health")["status"] == "ok"
        except urllib.error.URLError:
            return False

    def _variable(self, name):
        if name not in self._variables:
            raise IdcSimError("The server does not run.")
        return self._variables[name]

    def _request(self, method, path):
        request = urllib.request.Request(self.url + path, method=method)
        with self._http.open(request, timeout=self._timeout) as response:
            return json.load(response)
