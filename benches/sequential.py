"""What people paste instead: the same things made one after the other with boto3, each looked for first.

Usage: sequential.py (with the rehearsal's variables in the environment; Identity Center is enabled)
"""

import time

import boto3
from botocore.exceptions import ClientError

sso, store_api = boto3.client("sso-admin"), boto3.client("identitystore")
boto3.client("sts").get_caller_identity()
account = boto3.client("organizations").describe_organization()["Organization"]["MasterAccountId"]
found = sso.list_instances()["Instances"][0]
instance, store = found["InstanceArn"], found["IdentityStoreId"]


def unless_there(look, make):
    try:
        return look()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return make()


def attribute(path, value):
    return {"UniqueAttribute": {"AttributePath": path, "AttributeValue": value}}


user = unless_there(
    lambda: store_api.get_user_id(IdentityStoreId=store, AlternateIdentifier=attribute("userName", "Admin")),
    lambda: store_api.create_user(
        IdentityStoreId=store,
        UserName="Admin",
        Name={"GivenName": "Ada", "FamilyName": "Lovelace"},
        DisplayName="Ada Lovelace",
        Emails=[{"Value": "ada@example.com", "Type": "work", "Primary": True}],
    ),
)["UserId"]
group = unless_there(
    lambda: store_api.get_group_id(IdentityStoreId=store, AlternateIdentifier=attribute("displayName", "Admins")),
    lambda: store_api.create_group(IdentityStoreId=store, DisplayName="Admins"),
)["GroupId"]
member = store_api.is_member_in_groups(IdentityStoreId=store, MemberId={"UserId": user}, GroupIds=[group])
if not member["Results"][0]["MembershipExists"]:
    store_api.create_group_membership(IdentityStoreId=store, GroupId=group, MemberId={"UserId": user})
for arn in sso.list_permission_sets(InstanceArn=instance)["PermissionSets"]:
    sso.describe_permission_set(InstanceArn=instance, PermissionSetArn=arn)
permission_set = sso.create_permission_set(InstanceArn=instance, Name="AdministratorAccess", SessionDuration="PT1H")
at = {"InstanceArn": instance, "PermissionSetArn": permission_set["PermissionSet"]["PermissionSetArn"]}
sso.attach_managed_policy_to_permission_set(**at, ManagedPolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
sso.list_account_assignments(**at, AccountId=account)
status = sso.create_account_assignment(
    **at, TargetId=account, TargetType="AWS_ACCOUNT", PrincipalType="GROUP", PrincipalId=group
)["AccountAssignmentCreationStatus"]
while status["Status"] == "IN_PROGRESS":
    time.sleep(0.1)
    status = sso.describe_account_assignment_creation_status(
        InstanceArn=instance, AccountAssignmentCreationRequestId=status["RequestId"]
    )["AccountAssignmentCreationStatus"]
assert status["Status"] == "SUCCEEDED", status
