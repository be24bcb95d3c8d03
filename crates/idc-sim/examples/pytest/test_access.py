"""Tests of `access.py` against a simulated AWS."""

import botocore.config
import botocore.exceptions
import pytest

from access import Access, AccessError

ADA = ("ada", "Ada", "Lovelace", "ada@example.com")


@pytest.fixture
def account(aws):
    return aws.client("sts").get_caller_identity()["Account"]


def users_of(access):
    pages = access.store.get_paginator("list_users").paginate(IdentityStoreId=access.store_id)
    return [user["UserName"] for page in pages for user in page["Users"]]


def test_a_user_is_created_once(aws):
    access = Access(aws)
    assert access.user(*ADA) == access.user(*ADA)
    assert users_of(access) == ["ada"]


def test_each_test_starts_without_users(aws):
    assert users_of(Access(aws)) == []


def test_a_group_has_its_members(aws):
    access = Access(aws)
    user = access.user(*ADA)
    group = access.group("admins", [user])
    found = access.store.list_group_memberships(IdentityStoreId=access.store_id, GroupId=group)
    assert [membership["MemberId"]["UserId"] for membership in found["GroupMemberships"]] == [user]


def test_an_assignment_creates_the_role_in_the_account(aws, account):
    access = Access(aws)
    group = access.group("admins", [access.user(*ADA)])
    permission_set = access.permission_set("Admin", "AdministratorAccess")

    access.assign(group, permission_set, account)

    assigned = access.admin.list_account_assignments(
        InstanceArn=access.instance, AccountId=account, PermissionSetArn=permission_set
    )["AccountAssignments"]
    assert [assignment["PrincipalId"] for assignment in assigned] == [group]
    roles = aws.client("iam").list_roles(PathPrefix="/aws-reserved/sso.amazonaws.com/")["Roles"]
    assert [role["RoleName"].rpartition("_")[0] for role in roles] == ["AWSReservedSSO_Admin"]


def test_an_assignment_that_fails_later_is_an_error_with_its_reason(aws_with_faults):
    aws = aws_with_faults(
        """
        [[fault]]
        operation = "CreateAccountAssignment"
        kind = "fail-later"
        message = "The role cannot be created."
        """
    )
    access = Access(aws)
    group = access.group("admins")
    permission_set = access.permission_set("Admin", "AdministratorAccess")
    account = aws.client("sts").get_caller_identity()["Account"]
    with pytest.raises(AccessError, match="The role cannot be created."):
        access.assign(group, permission_set, account)


def test_a_lost_response_does_not_create_a_second_user(aws_with_faults):
    # The first CreateUser takes effect, and its response is lost. boto3 repeats the call and gets a ConflictException.
    aws = aws_with_faults(
        """
        [[fault]]
        operation = "CreateUser"
        nth = 1
        kind = "cut-after"
        """
    )
    access = Access(aws)
    assert access.user(*ADA)
    assert users_of(access) == ["ada"]


def test_a_denied_call_is_not_repeated(aws_with_faults):
    aws = aws_with_faults(
        """
        [[fault]]
        operation = "CreateGroup"
        kind = "error"
        code = "AccessDeniedException"
        message = "You are not authorized."
        """
    )
    access = Access(aws)
    with pytest.raises(access.store.exceptions.AccessDeniedException) as denied:
        access.group("admins")
    assert denied.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def test_a_throttle_without_retries_reaches_the_caller(aws_with_faults):
    aws = aws_with_faults(
        """
        [[fault]]
        operation = "ListInstances"
        nth = 1
        kind = "throttle"
        """
    )
    once = botocore.config.Config(retries={"total_max_attempts": 1})
    with pytest.raises(botocore.exceptions.ClientError, match="ThrottlingException"):
        aws.client("sso-admin", config=once).list_instances()
    assert Access(aws).instance.startswith("arn:aws:sso:::instance/")
