"""Runs every paginator that boto3 has for a service, and prints a line for each: its name, the result and the
seconds, separated by tabs. Arguments: the service, and an access token of the access portal.

A paginator that lists what the scenario has must return items, in pages of one where the operation has a page size, and the
same items as in one page. The others may return nothing.
"""

import sys
import time

import boto3
import botocore.session

INSTANCE = boto3.client("sso-admin").list_instances()["Instances"][0]
STORE = INSTANCE["IdentityStoreId"]
ACCOUNT = boto3.client("sts").get_caller_identity()["Account"]
store, admin, organizations = (boto3.client(name) for name in ("identitystore", "sso-admin", "organizations"))


def known_values(token):
    """Returns a value for each member that a paginator requires."""
    users = store.list_users(IdentityStoreId=STORE)["Users"]
    groups = store.list_groups(IdentityStoreId=STORE)["Groups"]
    sets = admin.list_permission_sets(InstanceArn=INSTANCE["InstanceArn"])["PermissionSets"]
    root = organizations.list_roots()["Roots"][0]["Id"]
    provider = admin.list_application_providers()["ApplicationProviders"][0]["ApplicationProviderArn"]
    application = admin.create_application(
        InstanceArn=INSTANCE["InstanceArn"], ApplicationProviderArn=provider, Name="Dashboard", ClientToken="paginators"
    )["ApplicationArn"]
    return {
        "IdentityStoreId": STORE,
        "InstanceArn": INSTANCE["InstanceArn"],
        "PermissionSetArn": sets[0],
        "ResourceArn": sets[0],
        "AccountId": ACCOUNT,
        "accountId": ACCOUNT,
        "GroupId": groups[0]["GroupId"],
        "MemberId": {"UserId": users[0]["UserId"]},
        "PrincipalId": users[0]["UserId"],
        "PrincipalType": "USER",
        "ParentId": root,
        "ChildId": ACCOUNT,
        "ChildType": "ACCOUNT",
        "ResourceId": ACCOUNT,
        "TargetId": root,
        "Filter": "SERVICE_CONTROL_POLICY",
        "PolicyType": "TAG_POLICY",
        "PolicyId": "p-FullAWSAccess",
        "Type": "BILLING",
        "ApplicationArn": application,
        "TrustedTokenIssuerArn": f"arn:aws:sso::{ACCOUNT}:trustedTokenIssuer/x/tti-0",
        "accessToken": token,
    }


# What the scenario has, so that the list must not be empty.
FILLED = {
    "ListAccountAssignmentsForPrincipal", "ListAccountAssignments", "ListAccountsForProvisionedPermissionSet",
    "ListInstances", "ListManagedPoliciesInPermissionSet", "ListPermissionSets", "ListPermissionSetsProvisionedToAccount",
    "ListGroupMemberships", "ListGroupMembershipsForMember", "ListGroups", "ListUsers", "ListAccounts",
    "ListAccountsForParent", "ListAWSServiceAccessForOrganization", "ListChildren", "ListParents", "ListRoots",
    "ListAccountRoles", "ListApplications", "ListApplicationProviders", "ListIdentityStores",
}  # fmt: skip

# The account administers no service.
EXPECTED_ERRORS = {"ListDelegatedServicesForAccount": "AccountNotRegisteredException"}


def run(service, token):
    client = boto3.client(service)
    model = client.meta.service_model
    names = botocore.session.get_session().get_paginator_model(service)._paginator_config
    for operation, config in sorted(names.items()):
        shape = model.operation_model(operation).input_shape
        known = known_values(token)
        arguments = {name: known[name] for name in shape.required_members}
        paginator = client.get_paginator(botocore.xform_name(operation))
        began = time.monotonic()
        try:
            keys = config["result_key"]
            key = keys if isinstance(keys, str) else keys[0]
            items = [item for page in paginator.paginate(**arguments) for item in page.get(key) or []]
            if config.get("limit_key"):
                pages = paginator.paginate(**arguments, PaginationConfig={"PageSize": 1})
                ones = [item for page in pages for item in page.get(key) or []]
                assert ones == items, f"{len(ones)} items in pages of one, and {len(items)} in one page"
            assert items or operation not in FILLED, "the list is empty"
            result = "ok"
        except Exception as error:
            is_expected = EXPECTED_ERRORS.get(operation) == type(error).__name__
            result = "ok" if is_expected else f"{type(error).__name__}: {error}".replace("\n", " ")
        print(f"{service} {operation}\t{result}\t{time.monotonic() - began:.1f}")


run(*sys.argv[1:])
