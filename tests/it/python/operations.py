"""Every operation of the rehearsal that boto3 can call: one happy and one refused call each.

Answers are checked against botocore's own output shapes. Usage: operations.py MODELS_JSON STORE INSTANCE ACCOUNT
"""

import json
import sys
import time

import boto3
import botocore.exceptions
import botocore.validate
from botocore import UNSIGNED
from botocore.config import Config

models_path, store, instance, account = sys.argv[1:5]
models = json.load(open(models_path))
happy, refused, problems = set(), set(), []

# The portal says "ForbiddenException: No access", which its model does not have; the common front validates.
OUTSIDE_THE_MODELS = {"ForbiddenException", "ValidationException"}

clients = {}
for name in models:
    unsigned = Config(signature_version=UNSIGNED) if name in ("sso", "sso-oidc") else None
    clients[name] = boto3.client(name, config=unsigned)
    # The rehearsal checks what a service would check: let everything through to it.
clients["sts"] = boto3.client("sts")
unchecked = {
    name: boto3.client(
        name,
        config=Config(parameter_validation=False, **({"signature_version": UNSIGNED} if name in ("sso", "sso-oidc") else {})),
    )
    for name in models
}


def method(client, operation):
    for snake, known in client.meta.method_to_api_mapping.items():
        if known == operation:
            return getattr(client, snake)
    raise KeyError(operation)


def check(name, operation, answer):
    shape = clients[name].meta.service_model.operation_model(operation).output_shape
    answer = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    if shape is not None:
        report = botocore.validate.ParamValidator().validate(answer, shape)
        if report.has_errors():
            problems.append(f"{name}.{operation}: {report.generate_report()}")


def ok(name, operation, **params):
    answer = method(clients[name], operation)(**params)
    check(name, operation, answer)
    happy.add(f"{name}:{operation}")
    return answer


def no(code, name, operation, **params):
    try:
        method(unchecked[name], operation)(**params)
    except botocore.exceptions.ClientError as error:
        given = error.response["Error"]["Code"]
        if given != code:
            problems.append(f"{name}.{operation}: refused with {given}, expected {code}: {error}")
        if given not in OUTSIDE_THE_MODELS and given not in dir(clients[name].exceptions):
            problems.append(f"{name}.{operation}: {given} is not in the model")
        refused.add(f"{name}:{operation}")
        return error.response
    problems.append(f"{name}.{operation}: accepted, expected {code}")


def until(look):
    for _ in range(100):
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise SystemExit("waited in vain")


ghost = "9067aabbcc-00000000-0000-4000-8000-000000000000"

# identitystore ------------------------------------------------------------------------------------------------
IS = "identitystore"
person = {
    "UserName": "ada",
    "DisplayName": "Ada Lovelace",
    "Name": {"GivenName": "Ada", "FamilyName": "Lovelace"},
    "Emails": [{"Value": "ada@example.com", "Type": "work", "Primary": True}],
}
user = ok(IS, "CreateUser", IdentityStoreId=store, **person)["UserId"]
assert no("ConflictException", IS, "CreateUser", IdentityStoreId=store, **person)["Reason"] == "UNIQUENESS_CONSTRAINT_VIOLATION"
no("ValidationException", IS, "CreateUser", IdentityStoreId=store, UserName="no names")
no("ValidationException", IS, "CreateUser", IdentityStoreId=store, **{**person, "UserName": "Administrator"})
ok(IS, "DescribeUser", IdentityStoreId=store, UserId=user)
no("ResourceNotFoundException", IS, "DescribeUser", IdentityStoreId=store, UserId=ghost)
by_name = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": "ada"}}
assert ok(IS, "GetUserId", IdentityStoreId=store, AlternateIdentifier=by_name)["UserId"] == user
nobody = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": "nobody"}}
no("ResourceNotFoundException", IS, "GetUserId", IdentityStoreId=store, AlternateIdentifier=nobody)
ok(IS, "UpdateUser", IdentityStoreId=store, UserId=user,
   Operations=[{"AttributePath": "name.givenName", "AttributeValue": "Augusta"}])
assert ok(IS, "DescribeUser", IdentityStoreId=store, UserId=user)["Name"]["GivenName"] == "Augusta"
no("ValidationException", IS, "UpdateUser", IdentityStoreId=store, UserId=user,
   Operations=[{"AttributePath": "password", "AttributeValue": "x"}])
second = ok(IS, "CreateUser", IdentityStoreId=store, UserName="bob", DisplayName="Bob", Name={"GivenName": "B", "FamilyName": "B"},
            Emails=[{"Value": "bob@example.com"}])["UserId"]
pages = [page["Users"] for page in clients[IS].get_paginator("list_users").paginate(IdentityStoreId=store, PaginationConfig={"PageSize": 1})]
assert len(pages) == 2 and all(len(page) == 1 for page in pages), pages
ok(IS, "ListUsers", IdentityStoreId=store, Filters=[{"AttributePath": "UserName", "AttributeValue": "bob"}])
no("ValidationException", IS, "ListUsers", IdentityStoreId=store, NextToken="abcd")
group = ok(IS, "CreateGroup", IdentityStoreId=store, DisplayName="Admins", Description="all of them")["GroupId"]
no("ConflictException", IS, "CreateGroup", IdentityStoreId=store, DisplayName="Admins")
ok(IS, "DescribeGroup", IdentityStoreId=store, GroupId=group)
no("ResourceNotFoundException", IS, "DescribeGroup", IdentityStoreId=store, GroupId=ghost)
group_by_name = {"UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": "Admins"}}
ok(IS, "GetGroupId", IdentityStoreId=store, AlternateIdentifier=group_by_name)
no("ValidationException", IS, "GetGroupId", IdentityStoreId=store, AlternateIdentifier=by_name)
ok(IS, "UpdateGroup", IdentityStoreId=store, GroupId=group, Operations=[{"AttributePath": "description", "AttributeValue": "some"}])
no("ResourceNotFoundException", IS, "UpdateGroup", IdentityStoreId=store, GroupId=ghost,
   Operations=[{"AttributePath": "description", "AttributeValue": "x"}])
ok(IS, "ListGroups", IdentityStoreId=store)
no("ValidationException", IS, "ListGroups", IdentityStoreId=store, MaxResults=101)
member = {"UserId": user}
membership = ok(IS, "CreateGroupMembership", IdentityStoreId=store, GroupId=group, MemberId=member)["MembershipId"]
no("ConflictException", IS, "CreateGroupMembership", IdentityStoreId=store, GroupId=group, MemberId=member)
ok(IS, "DescribeGroupMembership", IdentityStoreId=store, MembershipId=membership)
no("ResourceNotFoundException", IS, "DescribeGroupMembership", IdentityStoreId=store, MembershipId=ghost)
ok(IS, "GetGroupMembershipId", IdentityStoreId=store, GroupId=group, MemberId=member)
no("ResourceNotFoundException", IS, "GetGroupMembershipId", IdentityStoreId=store, GroupId=group, MemberId={"UserId": second})
ok(IS, "ListGroupMemberships", IdentityStoreId=store, GroupId=group)
no("ResourceNotFoundException", IS, "ListGroupMemberships", IdentityStoreId=store, GroupId=ghost)
ok(IS, "ListGroupMembershipsForMember", IdentityStoreId=store, MemberId=member)
no("ResourceNotFoundException", IS, "ListGroupMembershipsForMember", IdentityStoreId=store, MemberId={"UserId": ghost})
assert ok(IS, "IsMemberInGroups", IdentityStoreId=store, GroupIds=[group], MemberId=member)["Results"][0]["MembershipExists"]
no("ValidationException", IS, "IsMemberInGroups", IdentityStoreId=store, GroupIds=[], MemberId=member)
no("ResourceNotFoundException", IS, "DescribeUser", IdentityStoreId="d-0000000000", UserId=user)

# sso-admin ----------------------------------------------------------------------------------------------------
SA = "sso-admin"
ok(SA, "ListInstances", RegionScope="ALL_REGIONS")
no("ValidationException", SA, "ListInstances", RegionScope="SOME")
ok(SA, "DescribeInstance", InstanceArn=instance)
no("AccessDeniedException", SA, "DescribeInstance", InstanceArn=instance[:-4] + "0000")
no("AccessDeniedException", SA, "CreateInstance")
ok(SA, "UpdateInstance", InstanceArn=instance, Name="mine")
no("ValidationException", SA, "UpdateInstance", InstanceArn=instance, PermissionSetsEnabled=False)
no("AccessDeniedException", SA, "DeleteInstance", InstanceArn=instance)
ok(SA, "ListRegions", InstanceArn=instance)
permission_set = ok(SA, "CreatePermissionSet", InstanceArn=instance, Name="Admin", SessionDuration="PT8H", Tags=[{"Key": "a", "Value": "b"}])[
    "PermissionSet"]["PermissionSetArn"]
no("ConflictException", SA, "CreatePermissionSet", InstanceArn=instance, Name="Admin")
no("ValidationException", SA, "CreatePermissionSet", InstanceArn=instance, Name="x" * 33)
no("ValidationException", SA, "CreatePermissionSet", InstanceArn=instance, Name="Long", SessionDuration="PT13H")
at = {"InstanceArn": instance, "PermissionSetArn": permission_set}
missing = {"InstanceArn": instance, "PermissionSetArn": permission_set[:-4] + "0000"}
ok(SA, "DescribePermissionSet", **at)
no("ResourceNotFoundException", SA, "DescribePermissionSet", **missing)
ok(SA, "ListPermissionSets", InstanceArn=instance)
no("ValidationException", SA, "ListPermissionSets", InstanceArn=instance, NextToken="zz")
ok(SA, "UpdatePermissionSet", **at, Description="for all", SessionDuration="PT4H")
no("ValidationException", SA, "UpdatePermissionSet", **at, SessionDuration="PT0S")
policy = "arn:aws:iam::aws:policy/AdministratorAccess"
ok(SA, "AttachManagedPolicyToPermissionSet", **at, ManagedPolicyArn=policy)
no("ConflictException", SA, "AttachManagedPolicyToPermissionSet", **at, ManagedPolicyArn=policy)
ok(SA, "ListManagedPoliciesInPermissionSet", **at)
no("ResourceNotFoundException", SA, "ListManagedPoliciesInPermissionSet", **missing)
ok(SA, "PutInlinePolicyToPermissionSet", **at, InlinePolicy='{"Version": "2012-10-17", "Statement": []}')
no("ValidationException", SA, "PutInlinePolicyToPermissionSet", **at, InlinePolicy="no json")
assert "Statement" in ok(SA, "GetInlinePolicyForPermissionSet", **at)["InlinePolicy"]
no("ResourceNotFoundException", SA, "GetInlinePolicyForPermissionSet", **missing)
mine = {"Name": "mine", "Path": "/"}
ok(SA, "AttachCustomerManagedPolicyReferenceToPermissionSet", **at, CustomerManagedPolicyReference=mine)
no("ConflictException", SA, "AttachCustomerManagedPolicyReferenceToPermissionSet", **at, CustomerManagedPolicyReference=mine)
ok(SA, "ListCustomerManagedPolicyReferencesInPermissionSet", **at)
no("ResourceNotFoundException", SA, "ListCustomerManagedPolicyReferencesInPermissionSet", **missing)
no("ResourceNotFoundException", SA, "GetPermissionsBoundaryForPermissionSet", **at)
ok(SA, "PutPermissionsBoundaryToPermissionSet", **at, PermissionsBoundary={"ManagedPolicyArn": policy})
no("ValidationException", SA, "PutPermissionsBoundaryToPermissionSet", **at, PermissionsBoundary={})
ok(SA, "GetPermissionsBoundaryForPermissionSet", **at)
ok(SA, "TagResource", InstanceArn=instance, ResourceArn=permission_set, Tags=[{"Key": "c", "Value": "d"}])
no("ResourceNotFoundException", SA, "TagResource", InstanceArn=instance, ResourceArn=missing["PermissionSetArn"], Tags=[])
assert len(ok(SA, "ListTagsForResource", InstanceArn=instance, ResourceArn=permission_set)["Tags"]) == 2
no("ResourceNotFoundException", SA, "ListTagsForResource", InstanceArn=instance, ResourceArn=missing["PermissionSetArn"])
ok(SA, "UntagResource", InstanceArn=instance, ResourceArn=permission_set, TagKeys=["a"])
no("ValidationException", SA, "UntagResource", InstanceArn=instance, ResourceArn=permission_set, TagKeys=[])
target = {"TargetId": account, "TargetType": "AWS_ACCOUNT", "PrincipalType": "GROUP", "PrincipalId": group}
request = ok(SA, "CreateAccountAssignment", **at, **target)["AccountAssignmentCreationStatus"]["RequestId"]
no("ResourceNotFoundException", SA, "CreateAccountAssignment", **at, **{**target, "TargetId": "000000000000"})


def created():
    status = ok(SA, "DescribeAccountAssignmentCreationStatus", InstanceArn=instance, AccountAssignmentCreationRequestId=request)
    return status["AccountAssignmentCreationStatus"]["Status"] == "SUCCEEDED"


until(created)
no("ResourceNotFoundException", SA, "DescribeAccountAssignmentCreationStatus", InstanceArn=instance,
   AccountAssignmentCreationRequestId="00000000-0000-4000-8000-000000000000")
ok(SA, "ListAccountAssignmentCreationStatus", InstanceArn=instance, Filter={"Status": "SUCCEEDED"})
no("ValidationException", SA, "ListAccountAssignmentCreationStatus", InstanceArn=instance, Filter={"Status": "MAYBE"})
assert ok(SA, "ListAccountAssignments", AccountId=account, **at)["AccountAssignments"][0]["PrincipalId"] == group
no("ResourceNotFoundException", SA, "ListAccountAssignments", AccountId=account, **missing)
assert ok(SA, "ListAccountAssignmentsForPrincipal", InstanceArn=instance, PrincipalId=user, PrincipalType="USER")["AccountAssignments"]
no("ValidationException", SA, "ListAccountAssignmentsForPrincipal", InstanceArn=instance, PrincipalId="x", PrincipalType="USER")
no("ConflictException", SA, "DeletePermissionSet", **at)
provisioning = ok(SA, "ProvisionPermissionSet", **at, TargetType="ALL_PROVISIONED_ACCOUNTS")["PermissionSetProvisioningStatus"]["RequestId"]
no("ResourceNotFoundException", SA, "ProvisionPermissionSet", **missing, TargetType="ALL_PROVISIONED_ACCOUNTS")
until(lambda: ok(SA, "DescribePermissionSetProvisioningStatus", InstanceArn=instance, ProvisionPermissionSetRequestId=provisioning)[
    "PermissionSetProvisioningStatus"]["Status"] == "SUCCEEDED")
no("ResourceNotFoundException", SA, "DescribePermissionSetProvisioningStatus", InstanceArn=instance,
   ProvisionPermissionSetRequestId="00000000-0000-4000-8000-000000000000")
ok(SA, "ListPermissionSetProvisioningStatus", InstanceArn=instance)
no("ValidationException", SA, "ListPermissionSetProvisioningStatus", InstanceArn=instance, MaxResults=0)
assert ok(SA, "ListPermissionSetsProvisionedToAccount", InstanceArn=instance, AccountId=account)["PermissionSets"]
no("ValidationException", SA, "ListPermissionSetsProvisionedToAccount", InstanceArn=instance, AccountId="1")
assert ok(SA, "ListAccountsForProvisionedPermissionSet", **at)["AccountIds"] == [account]
no("ResourceNotFoundException", SA, "ListAccountsForProvisionedPermissionSet", **missing)

# sso-oidc and the portal --------------------------------------------------------------------------------------
OI = "sso-oidc"
registered = ok(OI, "RegisterClient", clientName="test", clientType="public")
no("InvalidClientMetadataException", OI, "RegisterClient", clientName="test", clientType="confidential")
who = {"clientId": registered["clientId"], "clientSecret": registered["clientSecret"]}
start = f"https://{store}.awsapps.com/start"
device = ok(OI, "StartDeviceAuthorization", **who, startUrl=start)
no("InvalidRequestException", OI, "StartDeviceAuthorization", **who, startUrl="https://d-0000000000.awsapps.com/start")
no("InvalidClientException", OI, "StartDeviceAuthorization", **{**who, "clientSecret": "x"}, startUrl=start)
asks = {**who, "grantType": "urn:ietf:params:oauth:grant-type:device_code", "deviceCode": device["deviceCode"]}
no("AuthorizationPendingException", OI, "CreateToken", **asks)
no("SlowDownException", OI, "CreateToken", **asks)
time.sleep(1.1)
token = ok(OI, "CreateToken", **asks)
no("InvalidGrantException", OI, "CreateToken", **asks)
refreshed = ok(OI, "CreateToken", **who, grantType="refresh_token", refreshToken=token["refreshToken"])
no("UnsupportedGrantTypeException", OI, "CreateToken", **who, grantType="password")
bearer = {"accessToken": refreshed["accessToken"]}
# The person signs in as the user made last, who is not in the group: give it to bob, too.
ok(IS, "CreateGroupMembership", IdentityStoreId=store, GroupId=group, MemberId={"UserId": second})
assert ok("sso", "ListAccounts", **bearer)["accountList"][0]["accountId"] == account
no("UnauthorizedException", "sso", "ListAccounts", accessToken="x")
assert ok("sso", "ListAccountRoles", accountId=account, **bearer)["roleList"][0]["roleName"] == "Admin"
no("ForbiddenException", "sso", "ListAccountRoles", accountId="000000000000", **bearer)
keys = ok("sso", "GetRoleCredentials", accountId=account, roleName="Admin", **bearer)["roleCredentials"]
no("ForbiddenException", "sso", "GetRoleCredentials", accountId=account, roleName="AWSReservedSSO_Admin", **bearer)
arn = boto3.client("sts", aws_access_key_id=keys["accessKeyId"], aws_secret_access_key=keys["secretAccessKey"],
                   aws_session_token=keys["sessionToken"]).get_caller_identity()["Arn"]
assert arn.endswith("/bob") and ":assumed-role/AWSReservedSSO_Admin_" in arn, arn
ok("sso", "Logout", **bearer)
no("UnauthorizedException", "sso", "Logout", **bearer)

# organizations, freetier, sts ---------------------------------------------------------------------------------
OR = "organizations"
ok(OR, "DescribeOrganization")
no("AlreadyInOrganizationException", OR, "CreateOrganization", FeatureSet="ALL")
ok(OR, "ListAccounts")
no("ValidationException", OR, "ListAccounts", MaxResults=21)
asked = ok(OR, "CreateAccount", Email="dev@example.com", AccountName="Dev")["CreateAccountStatus"]["Id"]
no("ValidationException", OR, "CreateAccount", Email="dev", AccountName="Dev")
until(lambda: ok(OR, "DescribeCreateAccountStatus", CreateAccountRequestId=asked)["CreateAccountStatus"]["State"] == "SUCCEEDED")
no("CreateAccountStatusNotFoundException", OR, "DescribeCreateAccountStatus", CreateAccountRequestId="car-00000000")
assert len(ok(OR, "ListAccounts")["Accounts"]) == 2
ok(OR, "ListAWSServiceAccessForOrganization")
no("ValidationException", OR, "ListAWSServiceAccessForOrganization", MaxResults=0)
ok(OR, "ListDelegatedAdministrators")
no("ValidationException", OR, "ListDelegatedAdministrators", ServicePrincipal="no spaces")
ok("freetier", "GetAccountPlanState")
clients["sts"].get_caller_identity()

# and back ---------------------------------------------------------------------------------------------------
deletion = ok(SA, "DeleteAccountAssignment", **at, **target)["AccountAssignmentDeletionStatus"]["RequestId"]
until(lambda: ok(SA, "DescribeAccountAssignmentDeletionStatus", InstanceArn=instance, AccountAssignmentDeletionRequestId=deletion)[
    "AccountAssignmentDeletionStatus"]["Status"] == "SUCCEEDED")
no("ResourceNotFoundException", SA, "DeleteAccountAssignment", **at, **target)
no("ResourceNotFoundException", SA, "DescribeAccountAssignmentDeletionStatus", InstanceArn=instance,
   AccountAssignmentDeletionRequestId="00000000-0000-4000-8000-000000000000")
ok(SA, "ListAccountAssignmentDeletionStatus", InstanceArn=instance)
no("ValidationException", SA, "ListAccountAssignmentDeletionStatus", InstanceArn="x")
ok(SA, "DetachManagedPolicyFromPermissionSet", **at, ManagedPolicyArn=policy)
no("ResourceNotFoundException", SA, "DetachManagedPolicyFromPermissionSet", **at, ManagedPolicyArn=policy)
ok(SA, "DetachCustomerManagedPolicyReferenceFromPermissionSet", **at, CustomerManagedPolicyReference=mine)
no("ResourceNotFoundException", SA, "DetachCustomerManagedPolicyReferenceFromPermissionSet", **at, CustomerManagedPolicyReference=mine)
ok(SA, "DeleteInlinePolicyFromPermissionSet", **at)
no("ResourceNotFoundException", SA, "DeleteInlinePolicyFromPermissionSet", **missing)
ok(SA, "DeletePermissionsBoundaryFromPermissionSet", **at)
no("ResourceNotFoundException", SA, "DeletePermissionsBoundaryFromPermissionSet", **missing)
ok(SA, "DeletePermissionSet", **at)
ok(IS, "DeleteGroupMembership", IdentityStoreId=store, MembershipId=membership)
no("ResourceNotFoundException", IS, "DeleteGroupMembership", IdentityStoreId=store, MembershipId=membership)
ok(IS, "DeleteGroup", IdentityStoreId=store, GroupId=group)
no("ResourceNotFoundException", IS, "DeleteGroup", IdentityStoreId=store, GroupId=group)
ok(IS, "DeleteUser", IdentityStoreId=store, UserId=user)
no("ResourceNotFoundException", IS, "DeleteUser", IdentityStoreId=store, UserId=user)

# What is not asked here by nature: these have no happy or no refused call in this world.
NO_HAPPY = {"sso-admin:CreateInstance", "sso-admin:DeleteInstance", "organizations:CreateOrganization"}
NO_REFUSED = {"freetier:GetAccountPlanState", "organizations:DescribeOrganization", "sso-admin:ListRegions"}
every = {f"{name}:{operation}" for name, model in models.items() for operation in model["operations"]}
for operation in sorted(every - happy - NO_HAPPY):
    problems.append(f"{operation}: no happy call")
for operation in sorted(every - refused - NO_REFUSED):
    problems.append(f"{operation}: no refused call")
json.dump({"operations": len(every), "problems": problems}, sys.stdout)
