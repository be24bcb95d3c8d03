"""Runs cartography's sync of Identity Center, and prints how many rows it would load, by schema.

A stub replaces Neo4j. It records the rows to load, and answers each query with nothing. Fails if there is no instance,
permission set, user or group.
"""

import json
import sys
from unittest import mock

import boto3
from cartography.intel.aws import identitycenter

SCHEMAS = ("AWSIdentityCenterInstanceSchema", "AWSPermissionSetSchema", "AWSSSOUserSchema", "AWSSSOGroupSchema")
loaded = {}


def load(session, schema, rows, **options):
    loaded.setdefault(type(schema).__name__, []).extend(rows)


account = boto3.client("sts").get_caller_identity()["Account"]
with (
    mock.patch.object(identitycenter, "load", load),
    mock.patch.object(identitycenter, "load_matchlinks", load),
    mock.patch.object(identitycenter, "cleanup"),
):
    session = mock.MagicMock()
    session.execute_read.return_value = []
    identitycenter.sync_identity_center_instances(
        session, boto3.session.Session(), ["us-east-1"], account, 1, {"UPDATE_TAG": 1, "AWS_ID": account}
    )
print(json.dumps({schema: len(rows) for schema, rows in loaded.items()}))
missing = [schema for schema in SCHEMAS if not loaded.get(schema)]
sys.exit(f"nothing to load for {', '.join(missing)}" if missing else 0)
