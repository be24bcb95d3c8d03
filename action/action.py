"""The script of the GitHub Action: installs idc-setup, runs one command, and reports in the summary and in a comment.

Everything that it reads is in the environment: the inputs as INPUT_*, and what a runner sets as GITHUB_* and RUNNER_*.
"""

import hashlib
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

# GitHub refuses comments with more than 65,536 characters, and summaries with more than 1 MiB.
LONGEST_COMMENT = 65_000
LONGEST_SUMMARY = 1_000_000
SECONDS = 60


class Failure(Exception):
    """The job fails. The message says why."""


def option(name, default=""):
    return os.environ.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip() or default


def is_set(name):
    value = option(name).lower()
    if value not in ("", "true", "false"):
        raise Failure(f"The input {name} must be true or false, not {value}.")
    return value == "true"


def annotate(kind, text):
    """Prints an annotation, with the escapes of a workflow command."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print(f"::{kind}::{text}", flush=True)


# Installing


def version():
    given = option("version").removeprefix("v")
    if given:
        if not re.fullmatch(r"\d+\.\d+\.\d+[0-9A-Za-z.-]*", given):
            raise Failure(f"The input version must be a version such as 1.2.3, not {given}.")
        return given
    # The Action and the program are one repository: a pinned Action also pins the program.
    manifest = (Path(__file__).resolve().parent.parent / "Cargo.toml").read_text()
    return re.search(r'^version = "(.+)"', manifest, re.M).group(1)


def target():
    machine = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}.get(
        platform.machine().lower()
    )
    system = {"Linux": "unknown-linux-musl", "Darwin": "apple-darwin"}.get(platform.system())
    if not machine or not system:
        raise Failure(f"This Action needs a Linux or macOS runner, not {platform.system()} on {platform.machine()}.")
    return f"{machine}-{system}"


def download(url):
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as response:
            return response.read()
    except urllib.error.URLError as error:
        raise Failure(f"{url} cannot be downloaded: {error}.") from error


def install():
    """Downloads the program of a release, checks its checksum, and returns its path."""
    if option("program"):
        return option("program")
    name = f"idc-setup-{target()}"
    folder = Path(os.environ["RUNNER_TEMP"]) / f"idc-setup-{version()}"
    program = folder / name / "idc-setup"
    if not program.exists():
        base = os.environ.get("IDC_SETUP_DOWNLOAD_URL") or "https://github.com/idc-setup/idc-setup/releases/download"
        url = f"{base}/v{version()}/{name}.tar.xz"
        content = download(url)
        expected = download(f"{url}.sha256").decode().split()[0]
        if hashlib.sha256(content).hexdigest() != expected:
            raise Failure(f"The checksum of {url} is wrong.")
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder / f"{name}.tar.xz"
        archive.write_bytes(content)
        with tarfile.open(archive) as tar:
            member = tar.getmember(f"{name}/idc-setup")
            if not member.isfile():
                raise Failure(f"{url} holds no program.")
            program.parent.mkdir(exist_ok=True)
            program.write_bytes(tar.extractfile(member).read())
            program.chmod(0o755)
    with open(os.environ["GITHUB_PATH"], "a") as path:
        path.write(f"{program.parent}\n")
    return str(program)


# Running


def arguments(command, output="markdown"):
    """The arguments of the program. Only plan has a choice of outputs."""
    more = shlex.split(option("args"))
    if command == "run":
        return ["run", "--non-interactive", *more]
    # An argument that begins with a dash would be read as a flag.
    file = option("file")
    file = f"./{file}" if file.startswith("-") else file
    flags = {"plan": ["--output", output], "apply": ["--yes"], "drift": []}[command]
    if command == "apply" and is_set("prune"):
        flags.append("--prune")
    return ["access", command, file, *flags, *more]


def started(words):
    """Runs the program to its end. Messages go to the log as they come."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INPUT_")}
    if option("aws-region"):
        environment["AWS_REGION"] = option("aws-region")
    print(f"[command]{shlex.join(words)}", flush=True)
    try:
        return subprocess.run(
            words, cwd=option("working-directory", "."), env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        raise Failure(f"{words[0]} cannot be started: {error}.") from error


def run(program, command):
    """Runs the command and returns its exit code and its stdout."""
    ended = started([program, *arguments(command)])
    text = ended.stdout.decode(errors="replace")
    # What is printed must not be read as workflow commands, as a name in the access file could be one.
    token = hashlib.sha256(os.urandom(16)).hexdigest()
    print(f"::stop-commands::{token}\n{text}\n::{token}::", flush=True)
    return ended.returncode, text


def has_changes(program, code):
    """Whether the plan has changes to apply.

    The exit code alone does not say it: a plan that ends with 3 can have only deletions that need --prune, and one that
    ends with 5 can have changes besides what it refuses. The JSON document of the plan says it.
    """
    if code not in (3, 5):
        return False
    try:
        document = json.loads(started([program, *arguments("plan", "json")]).stdout)
        return len(document["plan"]["changes"]) > 0
    except (ValueError, KeyError, TypeError) as error:
        raise Failure("The plan cannot be read as JSON, so the output changes is not known.") from error


def accepted(command):
    codes = option("accepted-exit-codes", "0 3" if command == "plan" else "0")
    if not re.fullmatch(r"\d+( \d+)*", codes):
        raise Failure(f"The input accepted-exit-codes must be numbers with spaces between them, not {codes}.")
    return [int(code) for code in codes.split()]


MEANINGS = {
    0: "everything is in place",
    1: "the command failed",
    2: "the command or its answers are wrong",
    3: "something is left to do",
    4: "there are no valid credentials, or access is denied",
    5: "something differs, or was refused",
    6: "another run holds the lock",
}


def meaning(code):
    return MEANINGS.get(code, f"the command ended with {code}")


# Reporting


def shortened(text, longest):
    if len(text) <= longest:
        return text
    return text[:longest].rsplit("\n", 1)[0] + "\n\n*The rest is left out. The log of the job has all of it.*\n"


def report(command, code, text):
    """Returns the report in Markdown. The output of plan is Markdown; the others become a code block."""
    title = f"## `idc-setup {'' if command == 'run' else 'access '}{command}`: {meaning(code)}"
    if command == "plan" and code in (0, 3, 5):
        return f"{title}\n\n{text.strip()}\n"
    longest = max((len(ticks) for ticks in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{title}\n\n{fence}text\n{text.strip()}\n{fence}\n" if text.strip() else f"{title}\n"


def write_summary(text):
    with open(os.environ["GITHUB_STEP_SUMMARY"], "a") as summary:
        summary.write(shortened(text, LONGEST_SUMMARY))


def write_outputs(command, code, text):
    path = Path(os.environ["RUNNER_TEMP"]) / f"idc-setup-{command}-{os.getpid()}.txt"
    path.write_text(text)
    write_output("exit-code", code)
    write_output("output-file", path)


def write_output(name, value):
    with open(os.environ["GITHUB_OUTPUT"], "a") as outputs:
        outputs.write(f"{name}={value}\n")


class GitHub:
    """The part of the GitHub API that comments need."""

    def __init__(self):
        self.base = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}"
        self.token = option("github-token")

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            self.base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            return json.load(response)

    def comment(self, number, marker, text):
        """Updates the comment with the marker, or creates it."""
        page = 1
        while True:
            comments = self.call("GET", f"/issues/{number}/comments?per_page=100&page={page}")
            for comment in comments:
                # Anybody can write the marker: a comment of a person is never taken for one of this Action.
                if comment["body"].startswith(marker) and (comment["user"] or {}).get("type") == "Bot":
                    return self.call("PATCH", f"/issues/comments/{comment['id']}", {"body": text})
            if len(comments) < 100:
                return self.call("POST", f"/issues/{number}/comments", {"body": text})
            page += 1


def write_comment(text):
    """Writes the comment of the pull request that this job is for, if there is one."""
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text())
    number = event.get("pull_request", {}).get("number")
    if not number:
        return
    # One comment for each access file.
    file = Path(option("working-directory", "."), option("file")).as_posix().replace("--", "- -")
    marker = f"<!-- idc-setup access plan {file} -->"
    try:
        GitHub().comment(number, marker, shortened(f"{marker}\n{text}", LONGEST_COMMENT))
    except (urllib.error.URLError, TimeoutError) as error:
        # A pull request of a fork has a token that can only read. The plan is in the summary as well.
        annotate("warning", f"The plan could not be written as a comment: {error}. The job needs pull-requests: write.")


def main():
    command = option("command")
    if command not in ("plan", "apply", "drift", "run"):
        raise Failure(f"The input command must be plan, apply, drift or run, not {command!r}.")
    codes = accepted(command)
    wants_comment = is_set("comment")
    program = install()
    code, text = run(program, command)
    write_outputs(command, code, text)
    written = report(command, code, text)
    write_summary(written)
    if command == "plan" and wants_comment:
        write_comment(written)
    changes = command == "plan" and has_changes(program, code)
    write_output("changes", "true" if changes else "false")
    if code not in codes:
        raise Failure(f"idc-setup ended with exit code {code}: {meaning(code)}.")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        annotate("error", str(failure))
        sys.exit(1)
