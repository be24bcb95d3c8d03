"""Tests the script of the GitHub Action as a runner would start it: with a release, a pull request and an API, all local.

    python3 action/test_action.py

With IDC_SETUP_BIN and IDC_SIM_BIN, it also runs the real program against the simulated AWS.
"""

import hashlib
import http.server
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "action" / "action.py"

sys.path.insert(0, str(ROOT / "action"))
import action  # noqa: E402

# A program that behaves as idc-setup does towards the Action: it prints what it was given, and ends as the test says.
PROGRAM = """#!/bin/sh
case " $* " in
*" --output json "*) cat "$HOME/document" ;;
*)
    printf '%s\\n' "$@" >"$HOME/arguments"
    cat "$HOME/stdout"
    ;;
esac
env >"$HOME/environment"
echo "a message" >&2
exit "$(cat "$HOME/exit-code")"
"""


class Service(http.server.BaseHTTPRequestHandler):
    """GitHub: releases below /releases, and the API below /api."""

    def log_message(self, *_):
        pass

    def answer(self, status, content):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        github = self.server.github
        if self.path in github.files:
            self.answer(200, github.files[self.path])
        elif found := re.fullmatch(r"/api/repos/o/r/issues/7/comments\?per_page=100&page=(\d+)", self.path):
            page = int(found.group(1))
            self.answer(200, json.dumps(github.comments[(page - 1) * 100 : page * 100]).encode())
        else:
            self.answer(404, b"{}")

    def write(self):
        github = self.server.github
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        if github.is_read_only or self.headers["Authorization"] != "Bearer token":
            self.answer(403, b"{}")
        elif self.command == "POST" and self.path == "/api/repos/o/r/issues/7/comments":
            github.add(body, "Bot")
            self.answer(201, b"{}")
        elif found := re.fullmatch(r"/api/repos/o/r/issues/comments/(\d+)", self.path):
            next(c for c in github.comments if c["id"] == int(found.group(1)))["body"] = body
            self.answer(200, b"{}")
        else:
            self.answer(404, b"{}")

    do_POST = do_PATCH = write


class GitHub:
    def __init__(self):
        self.files, self.comments, self.is_read_only = {}, [], False
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
        self.server.github = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def add(self, body, kind):
        user = {"type": kind} if kind else None
        self.comments.append({"id": len(self.comments) + 1, "body": body, "user": user})

    def release(self, version):
        name = f"idc-setup-{action.target()}"
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:xz") as tar:
            member = tarfile.TarInfo(f"{name}/idc-setup")
            member.size, member.mode = len(PROGRAM), 0o755
            tar.addfile(member, io.BytesIO(PROGRAM.encode()))
        path = f"/releases/v{version}/{name}.tar.xz"
        self.files[path] = content.getvalue()
        digest = hashlib.sha256(content.getvalue()).hexdigest()
        self.files[f"{path}.sha256"] = f"{digest} *{name}.tar.xz\n".encode()
        return path


class Runner(unittest.TestCase):
    """A runner that starts the script."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)
        self.github = GitHub()
        self.addCleanup(self.github.server.server_close)
        self.addCleanup(self.github.server.shutdown)
        self.program = self.home / "program"
        self.program.write_text(PROGRAM)
        self.program.chmod(0o755)
        self.event = {"pull_request": {"number": 7}}
        self.variables = {}
        self.document = json.dumps({"plan": {"changes": [{"kind": "create_group"}], "unpruned": []}})
        self.log = ""

    def start(self, stdout="", exit_code=0, **inputs):
        (self.home / "stdout").write_text(stdout)
        (self.home / "document").write_text(self.document)
        (self.home / "exit-code").write_text(str(exit_code))
        (self.home / "event.json").write_text(json.dumps(self.event))
        defaults = {"command": "plan", "file": "access.toml", "comment": "true", "github_token": "token"}
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "RUNNER_TEMP": str(self.home),
            "GITHUB_API_URL": f"{self.github.url}/api",
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_EVENT_PATH": str(self.home / "event.json"),
            "IDC_SETUP_DOWNLOAD_URL": f"{self.github.url}/releases",
        }
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH"):
            path = self.home / name
            path.write_text("")
            environment[name] = str(path)
        given = defaults | {"program": str(self.program)} | inputs
        environment |= {f"INPUT_{name.upper()}": value for name, value in given.items()}
        environment |= self.variables
        ended = subprocess.run([sys.executable, SCRIPT], env=environment, cwd=self.home, capture_output=True, text=True)
        self.log = ended.stdout + ended.stderr
        self.assertNotIn("Traceback", ended.stderr)
        return ended.returncode

    def read(self, name):
        return (self.home / name).read_text()

    def arguments(self):
        return self.read("arguments").splitlines()

    def outputs(self):
        return dict(line.split("=", 1) for line in self.read("GITHUB_OUTPUT").splitlines())


class Action(Runner):
    def test_a_plan_with_changes_succeeds_and_is_reported(self):
        self.assertEqual(self.start("| change |\n", exit_code=3), 0)
        self.assertEqual(self.arguments(), ["access", "plan", "access.toml", "--output", "markdown"])
        self.assertEqual(self.outputs()["exit-code"], "3")
        self.assertEqual(self.outputs()["changes"], "true")
        self.assertEqual(Path(self.outputs()["output-file"]).read_text(), "| change |\n")
        title = "## `idc-setup access plan`: something is left to do"
        self.assertEqual(self.read("GITHUB_STEP_SUMMARY"), f"{title}\n\n| change |\n")
        self.assertEqual(
            [comment["body"] for comment in self.github.comments],
            [f"<!-- idc-setup access plan access.toml -->\n{title}\n\n| change |\n"],
        )

    def test_a_plan_has_changes_only_if_the_document_has_some(self):
        change = {"kind": "delete_group"}
        for exit_code, plan, expected in (
            (3, {"changes": [], "unpruned": [change]}, "false"),
            (3, {"changes": [change], "unpruned": [change]}, "true"),
            (5, {"changes": [change], "unpruned": []}, "true"),
            (5, {"changes": [], "unpruned": []}, "false"),
            (0, {"changes": [], "unpruned": []}, "false"),
        ):
            self.document = json.dumps({"plan": plan})
            self.start("plan", exit_code=exit_code)
            self.assertEqual(self.outputs()["changes"], expected, (exit_code, plan))

    def test_a_plan_without_a_document_fails_after_its_report(self):
        self.document = "no JSON"
        self.assertEqual(self.start("plan", exit_code=3), 1)
        self.assertIn("::error::The plan cannot be read as JSON", self.log)
        self.assertEqual(self.outputs()["exit-code"], "3")
        self.assertIn("plan", self.read("GITHUB_STEP_SUMMARY"))

    def test_the_next_plan_updates_the_comment_wherever_it_is(self):
        for number in range(150):
            self.github.add(f"talk {number}", "User")
        self.start("first", exit_code=3)
        self.start("second", exit_code=0)
        self.assertEqual(len(self.github.comments), 151)
        self.assertIn("second", self.github.comments[-1]["body"])
        self.assertNotIn("first", self.github.comments[-1]["body"])
        self.assertEqual(self.outputs()["changes"], "false")

    def test_each_access_file_has_a_comment(self):
        self.start("one", file="a/access.toml")
        self.start("two", file="b/access.toml")
        self.assertEqual(len(self.github.comments), 2)

    def test_a_comment_of_a_person_is_never_changed(self):
        # The account of the second person is deleted.
        for kind in ("User", None):
            self.github.add("<!-- idc-setup access plan access.toml -->\nmine", kind)
        self.start("plan", exit_code=3)
        self.assertEqual(len(self.github.comments), 3)
        self.assertTrue(all(comment["body"].endswith("mine") for comment in self.github.comments[:2]))

    def test_a_token_that_can_only_read_is_a_warning(self):
        self.github.is_read_only = True
        self.assertEqual(self.start("plan", exit_code=3), 0)
        self.assertIn("::warning::The plan could not be written as a comment", self.log)
        self.assertIn("plan", self.read("GITHUB_STEP_SUMMARY"))

    def test_a_push_has_no_comment(self):
        self.event = {"ref": "refs/heads/main"}
        self.start("plan", exit_code=3)
        self.assertEqual(self.github.comments, [])

    def test_comment_false_writes_none(self):
        self.start("plan", exit_code=3, comment="false")
        self.assertEqual(self.github.comments, [])

    def test_a_long_plan_is_shortened_in_the_comment(self):
        self.start("| a row of the plan |\n" * 10_000, exit_code=3)
        body = self.github.comments[0]["body"]
        self.assertLess(len(body), 65_536)
        self.assertIn("The rest is left out.", body)
        self.assertEqual(len(Path(self.outputs()["output-file"]).read_text()), 220_000)

    def test_a_refused_plan_fails_the_job_after_its_comment(self):
        self.assertEqual(self.start("refused", exit_code=5), 1)
        self.assertIn("::error::idc-setup ended with exit code 5: something differs, or was refused.", self.log)
        self.assertEqual(len(self.github.comments), 1)

    def test_apply_deletes_only_with_prune(self):
        self.assertEqual(self.start("done", command="apply"), 0)
        self.assertEqual(self.arguments(), ["access", "apply", "access.toml", "--yes"])
        self.assertEqual(self.start("done", command="apply", prune="true", args="--max-deletes 3"), 0)
        self.assertEqual(self.arguments(), ["access", "apply", "access.toml", "--yes", "--prune", "--max-deletes", "3"])
        self.assertEqual(self.github.comments, [])

    def test_apply_that_leaves_something_fails(self):
        self.assertEqual(self.start("left", command="apply", exit_code=3), 1)

    def test_drift_fails_unless_its_exit_code_is_accepted(self):
        self.assertEqual(self.start("drifted", command="drift", exit_code=5), 1)
        self.assertEqual(self.start("drifted", command="drift", exit_code=5, accepted_exit_codes="0 5"), 0)
        self.assertEqual(self.arguments(), ["access", "drift", "access.toml"])
        self.assertIn("```text\ndrifted\n```", self.read("GITHUB_STEP_SUMMARY"))

    def test_run_asks_nothing(self):
        self.assertEqual(self.start("done", command="run", args="--email 'ada@example.com' --wait 10m"), 0)
        expected = ["run", "--non-interactive", "--email", "ada@example.com", "--wait", "10m"]
        self.assertEqual(self.arguments(), expected)

    def test_a_file_with_a_dash_is_not_a_flag(self):
        self.start("plan", file="--version")
        self.assertEqual(self.arguments()[2], "./--version")

    def test_output_cannot_be_a_workflow_command_or_leave_its_code_block(self):
        self.start("::set-output name=x::y\n```\n# out\n```\n", command="drift")
        stop = re.search(r"::stop-commands::(\w+)\n", self.log)
        self.assertTrue(stop and self.log.index(stop.group(0)) < self.log.index("::set-output"))
        self.assertIn(f"\n::{stop.group(1)}::\n", self.log)
        self.assertIn("````text", self.read("GITHUB_STEP_SUMMARY"))

    def test_the_program_gets_the_region_and_no_token_of_github(self):
        self.start("plan", aws_region="eu-west-1")
        environment = self.read("environment")
        self.assertIn("AWS_REGION=eu-west-1\n", environment)
        self.assertNotIn("INPUT_", environment)

    def test_wrong_inputs_fail_before_anything_runs(self):
        for inputs in (
            {"command": "destroy"},
            {"comment": "perhaps"},
            {"accepted_exit_codes": "all"},
            {"version": "../1", "program": ""},
        ):
            self.assertEqual(self.start("plan", **inputs), 1)
            self.assertIn("::error::The input ", self.log)
            self.assertFalse((self.home / "arguments").exists())

    def test_the_release_of_this_version_is_installed(self):
        self.github.release(action.version())
        self.assertEqual(self.start("plan", exit_code=3, program=""), 0)
        self.assertIn(f"idc-setup-{action.version()}", self.read("GITHUB_PATH"))
        # It is downloaded once.
        self.github.files.clear()
        self.assertEqual(self.start("plan", exit_code=3, program=""), 0)

    def test_another_version_can_be_installed(self):
        self.github.release("9.8.7")
        self.assertEqual(self.start("plan", program="", version="v9.8.7"), 0)

    def test_a_wrong_checksum_fails(self):
        path = self.github.release(action.version())
        self.github.files[path] += b"x"
        self.assertEqual(self.start("plan", program=""), 1)
        self.assertIn("The checksum of ", self.log)
        self.assertFalse((self.home / "arguments").exists())

    def test_a_release_that_does_not_exist_fails(self):
        self.assertEqual(self.start("plan", program="", version="0.0.1"), 1)
        self.assertIn("cannot be downloaded", self.log)


PROGRAMS = [os.environ.get("IDC_SETUP_BIN"), os.environ.get("IDC_SIM_BIN")]


@unittest.skipUnless(all(PROGRAMS), "IDC_SETUP_BIN and IDC_SIM_BIN are not set")
class Simulation(Runner):
    """The real program, with what idc-sim serves in place of AWS."""

    def serve(self, scenario):
        program, simulator = (str(Path(path).resolve()) for path in PROGRAMS)
        process = subprocess.Popen([simulator, scenario], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.terminate)
        for line in process.stdout:
            name, value = line.removeprefix("export ").strip().split("=", 1)
            if name == "HOME":
                # It is the last line. The program finds its files in the home folder of the runner.
                break
            self.variables[name] = shlex.split(value)[0]
        return program

    def test_a_run_sets_up_an_account(self):
        program = self.serve("fresh")
        args = (
            "--identity-center-region eu-west-1 --email ada@example.com --given-name Ada --family-name Lovelace "
            "--create-organization --accept-free-plan-end --wait 60s --skip mfa --skip cloudtrail --skip root-access-keys"
        )
        self.assertEqual(self.start(command="run", program=program, args=args), 0, self.log)
        self.assertEqual(self.outputs()["exit-code"], "0")
        self.assertIn("assumed-role/AWSReservedSSO_AdministratorAccess_", self.read("GITHUB_STEP_SUMMARY"))

    def test_a_wrong_answer_fails_the_job(self):
        program = self.serve("fresh")
        self.assertEqual(self.start(command="run", program=program, args="--email nobody"), 1)
        self.assertIn("::error::idc-setup ended with exit code 2", self.log)

    def test_an_access_file_is_planned_and_applied(self):
        program = self.serve("enabled")
        if subprocess.run([program, "access", "--help"], capture_output=True).returncode:
            self.skipTest("this version has no command for access files")
        (self.home / "access.toml").write_text('format = 1\nname = "acme"\n\n[[group]]\nname = "Platform"\n')
        self.assertEqual(self.start(program=program), 0, self.log)
        self.assertEqual(self.outputs()["changes"], "true")
        self.assertIn("Platform", self.github.comments[0]["body"])
        self.assertEqual(self.start(program=program, command="drift"), 1, self.log)
        self.assertEqual(self.outputs()["exit-code"], "5")
        self.assertIn("Platform", self.read("GITHUB_STEP_SUMMARY"))
        self.assertEqual(self.start(program=program, command="apply"), 0, self.log)
        self.assertEqual(self.start(program=program, command="drift"), 0, self.log)
        self.assertEqual(self.outputs()["changes"], "false")
        self.assertEqual(self.start(program=program), 0, self.log)
        self.assertEqual(self.outputs()["changes"], "false")
        self.assertEqual(len(self.github.comments), 1)


class Definition(unittest.TestCase):
    def test_every_input_reaches_the_script(self):
        text = (ROOT / "action.yml").read_text()
        inputs = re.search(r"^inputs:\n(.*?)^outputs:", text, re.M | re.S).group(1)
        # The first step uses the role.
        names = set(re.findall(r"^  ([a-z-]+):$", inputs, re.M)) - {"role-to-assume"}
        for name in names:
            variable = f"INPUT_{name.upper().replace('-', '_')}: ${{{{ inputs.{name} }}}}"
            self.assertIn(variable, text)
        script = SCRIPT.read_text()
        used = set(re.findall(r'(?:option|is_set)\("([a-z-]+)"', script))
        self.assertEqual(used, names)


if __name__ == "__main__":
    unittest.main()
