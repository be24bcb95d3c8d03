"""A pytest plugin for moto-suite. It adapts the tests to an AWS with one state, and records the results. As a program, it
prints the table of the results.

moto accepts every identity store ID, instance ARN, account and principal, in every Region. idc-sim, like AWS, has those of
its scenario (sso-admin.toml). The plugin replaces the constants and the random IDs of the tests by those. It changes no
assertion and no response.
"""

import collections
import itertools
import json
import os
import sys

import boto3

STORE = "d-9067aabbcc"
REGION = "us-east-1"
# The tests write `ins-`, and AWS `ssoins-`: the models allow both.
INSTANCE, INSTANCE_IN_TESTS = "instance/ssoins-aaaabbbbccccdddd", "instance/ins-aaaabbbbccccdddd"
# The users of the scenario. A group has the same ID as each of them, because some tests use one ID for both.
PRINCIPALS = [f"11111111-2222-4333-8444-{n:012}" for n in range(1, 5)]

plain_client = boto3.client


def rewrite(value):
    """Returns a parameter with the instance of the scenario. A permission set must not exist where a test expects that."""
    if isinstance(value, dict):
        return {key: rewrite(item) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    if "permission_set_unknown" in os.environ["PYTEST_CURRENT_TEST"]:
        value = value.replace("ps-hhhhkkkkppppoooo", "ps-hhhhkkkkppppzzzz")
    return value.replace(INSTANCE_IN_TESTS, INSTANCE)


# Whether the current test has made a client. A few tests only call functions of moto.
has_client = False


def client(service, *arguments, **options):
    global has_client
    has_client = True
    if service not in ("sso-admin", "identitystore"):
        return plain_client(service, *arguments, **options)
    made = plain_client(service, **{**options, "region_name": REGION})
    made.meta.events.register("provide-client-params.sso-admin.*", lambda params, **_: rewrite(params))
    return made


boto3.client = client


def pytest_collection_modifyitems(items):
    principals = itertools.cycle(PRINCIPALS)
    for module in {item.module for item in items}:
        if hasattr(module, "get_identity_store_id"):
            module.get_identity_store_id = lambda: STORE
        if module.__name__.endswith("test_ssoadmin"):
            module.uuid4 = lambda: next(principals)


def pytest_runtest_setup():
    global has_client
    has_client = False


def pytest_runtest_logreport(report):
    """Writes a line for each test: its ID, its result, and the start of the error."""
    if report.when != "call" and report.passed:
        return
    result, error = report.outcome, ""
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        lines = (crash.message if crash else str(report.longrepr)).splitlines()
        place = f"{os.path.basename(crash.path)}:{crash.lineno}: " if crash else ""
        error = place + " ".join(lines[:2])
    elif report.passed and not has_client:
        result = "skipped"
    line = {"test": report.nodeid.removeprefix("tests/"), "result": result, "error": error}
    with open(os.environ["MOTO_SUITE_RESULTS"], "a") as file:
        print(json.dumps(line), file=file)


def explanations(path):
    """The known misses by test: the kind and the reason. A test without parameters stands for all its parameters."""
    found = {}
    with open(path) as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                test, kind, reason = line.rstrip("\n").split("\t")
                found[test] = (kind, reason)
    return found


def main(results_path, explanations_path):
    with open(results_path) as file:
        results = [json.loads(line) for line in file]
    explained = explanations(explanations_path)
    counts = collections.defaultdict(collections.Counter)
    for line in results:
        file, _, _ = line["test"].partition("::")
        counts[file][line["result"]] += 1
        counts["all"][line["result"]] += 1
    print("| file | tests | passed | failed | not run or without a call |")
    print("|---|---|---|---|---|")
    for file, count in sorted(counts.items(), key=lambda row: (row[0] == "all", row[0])):
        tests = count["passed"] + count["failed"]
        print(f"| {file} | {tests} | {count['passed']} | {count['failed']} | {count['skipped']} |")
    print()
    unused, new = set(explained), 0
    for line in results:
        if line["result"] != "failed":
            continue
        test = line["test"]
        key = next((key for key in (test, test.partition("[")[0]) if key in explained), None)
        unused.discard(key)
        if key is None:
            new += 1
            print(f"- NEW {test}: {line['error'][:300]}")
        else:
            kind, reason = explained[key]
            print(f"- explained ({kind}) {test}: {reason}")
    for test in sorted(unused):
        name = os.path.basename(explanations_path)
        print(f"{test} passes now, or does not exist: remove the line from {name}.", file=sys.stderr)
    if new:
        print(f"{new} misses are new", file=sys.stderr)
    return 1 if new or unused or not results else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
