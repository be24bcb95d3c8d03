"""Tests of `idc_sim.py`, which also show how to use it."""

import os
import subprocess
import sys
import time

import boto3
import botocore.config
import botocore.exceptions
import pytest

from idc_sim import IdcSim, IdcSimError


@pytest.fixture(scope="module")
def sim():
    with IdcSim("enabled") as server:
        yield server


@pytest.fixture(autouse=True)
def settings(monkeypatch):
    """Removes the developer's own settings, such as AWS_PROFILE, and lets no client in this process use a proxy."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    # Python prefers the variable in lower case.
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


def create_user(sim, name):
    client = boto3.client("identitystore", **sim.client_options())
    return client.create_user(
        IdentityStoreId=sim.state()["instances"][0]["store"]["id"],
        UserName=name,
        DisplayName=name,
        Name={"GivenName": name, "FamilyName": "Example"},
    )["UserId"]


def users(sim):
    return sim.state()["instances"][0]["store"]["users"]


def test_the_state_has_what_a_client_creates_until_a_reset(sim):
    sim.reset()
    user = create_user(sim, "ada")
    assert list(users(sim)) == [user]
    sim.reset()
    assert users(sim) == {}


def test_a_program_gets_the_account_from_its_environment(sim):
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    run = subprocess.run(
        [sys.executable, "-c", program], env=sim.environment(), capture_output=True, text=True, check=True
    )
    assert run.stdout == f"arn:aws:iam::{sim.state()['account']['id']}:root\n"


def test_two_servers_do_not_share_their_accounts(sim):
    with IdcSim("enabled") as other:
        assert other.url != sim.url
        create_user(other, "ada")
        assert len(users(other)) == 1
        sim.reset()
        assert len(users(other)) == 1


def test_a_scenario_file_is_what_the_server_starts_from(tmp_path):
    scenario = tmp_path / "scenario.toml"
    scenario.write_text('region = "eu-central-1"\n')
    with IdcSim(scenario) as sim:
        assert sim.environment()["AWS_REGION"] == "eu-central-1"
        assert sim.state()["instances"] == []


def test_a_fault_is_injected_until_a_reset(tmp_path):
    faults = tmp_path / "faults.toml"
    faults.write_text('[[fault]]\noperation = "CreateUser"\nkind = "error"\ncode = "AccessDeniedException"\n')
    with IdcSim(faults=faults) as sim:
        with pytest.raises(botocore.exceptions.ClientError, match="AccessDeniedException"):
            create_user(sim, "ada")
        sim.reset()
        assert create_user(sim, "ada")


def test_each_call_has_the_latency():
    with IdcSim(latency="200ms") as sim:
        client = boto3.client("sso-admin", **sim.client_options())
        began = time.monotonic()
        client.list_instances()
        assert time.monotonic() - began >= 0.2


def test_the_quota_throttles_a_burst():
    once = botocore.config.Config(retries={"total_max_attempts": 1})
    with IdcSim(quota="aws") as sim:
        client = boto3.client("sso-admin", config=once, **sim.client_options())
        with pytest.raises(botocore.exceptions.ClientError, match="ThrottlingException"):
            # A fast machine needs less than a second for these calls. A slow one gets new quota meanwhile.
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                client.list_instances()


def test_an_unknown_scenario_is_an_error_with_the_message_of_the_program():
    with pytest.raises(IdcSimError, match='"nothing" is neither a named scenario nor a file'):
        IdcSim("nothing").start()


def test_a_server_that_is_stopped_has_no_url():
    sim = IdcSim().start()
    sim.stop()
    sim.stop()
    with pytest.raises(IdcSimError, match="does not run"):
        sim.url
