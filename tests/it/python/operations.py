"""Every operation of the rehearsal that boto3 can call: one happy and one refused call each.

Answers are checked against botocore's own output shapes. Usage: operations.py MODELS_JSON STORE INSTANCE ACCOUNT LOGIN_TOKEN FRESH

FRESH: arguments of boto3.client, as JSON, that lead to an account with nothing in it.
"""

import base64
import json
import sys
import time

import boto3
import botocore.exceptions
import botocore.validate
from botocore import UNSIGNED
from botocore.config import Config

models_path, store, instance, account, login = sys.argv[1:6]
fresh = json.loads(sys.argv[6])
models = json.load(open(models_path))
happy, refused, problems = set(), set(), []
ONE_STATEMENT = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})

# The portal says "ForbiddenException: No access", which its model does not have; the common front validates.
# S3 documents its codes in "Error responses", IAM's front has its own word for a bad shape.
OUTSIDE_THE_MODELS = {
    "ForbiddenException", "ValidationException", "ValidationError", "MalformedXML", "AccessDenied", "InvalidBucketName",
    "MalformedPolicy", "NoSuchBucketPolicy", "BucketNotEmpty", "404", "NoSuchCORSConfiguration", "NoSuchWebsiteConfiguration",
    "NoSuchLifecycleConfiguration", "ReplicationConfigurationNotFoundError", "ObjectLockConfigurationNotFoundError",
    "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId",
}
UNSIGNED_SERVICES = ("sso", "sso-oidc", "signin")



def connect(**credentials):
    """Clients for every service, and such as let everything through: the rehearsal checks what a service would check."""
    checked, unchecked = {}, {}
    for name in models:
        options = {"signature_version": UNSIGNED} if name in UNSIGNED_SERVICES else {}
        checked[name] = boto3.client(name, config=Config(**options), **credentials)
        unchecked[name] = boto3.client(name, config=Config(parameter_validation=False, **options), **credentials)
    return checked, unchecked


clients, unchecked = connect()


def method(client, operation):
    for snake, known in client.meta.method_to_api_mapping.items():
        if known == operation:
            return getattr(client, snake)
    raise KeyError(operation)


def check(name, operation, answer):
    shape = clients[name].meta.service_model.operation_model(operation).output_shape
    # botocore gives None for the empty element that stands for us-east-1.
    answer = {key: value for key, value in answer.items() if key != "ResponseMetadata" and (key, value) != ("LocationConstraint", None)}
    # botocore makes a dictionary of the document that its own shape calls a string.
    roles = [answer["Role"]] if operation == "GetRole" else answer.get("Roles", []) if operation == "ListRoles" else []
    for role in roles:
        role["AssumeRolePolicyDocument"] = json.dumps(role["AssumeRolePolicyDocument"])
    if shape is not None:
        report = botocore.validate.ParamValidator().validate(answer, shape)
        if report.has_errors():
            problems.append(f"{name}.{operation}: {report.generate_report()}")


def ok(name, operation, /, **params):
    answer = method(clients[name], operation)(**params)
    check(name, operation, answer)
    happy.add(f"{name}:{operation}")
    return answer


def no(code, name, operation, /, **params):
    try:
        method(unchecked[name], operation)(**params)
    except botocore.exceptions.ClientError as error:
        given = error.response["Error"]["Code"]
        if given != code:
            problems.append(f"{name}.{operation}: refused with {given}, expected {code}: {error}")
        known = clients[name].exceptions.from_code(given) is not botocore.exceptions.ClientError
        if given not in OUTSIDE_THE_MODELS and not known:
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
ok(SA, "PutInlinePolicyToPermissionSet", **at, InlinePolicy=ONE_STATEMENT)
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
assert ok(SA, "ListApplicationAssignmentsForPrincipal", InstanceArn=instance, PrincipalId=group, PrincipalType="GROUP")["ApplicationAssignments"] == []
no("ValidationException", SA, "ListApplicationAssignmentsForPrincipal", InstanceArn=instance, PrincipalId="x", PrincipalType="USER")
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

assert ok("identitystore", "ListIdentityStores")["IdentityStores"][0]["IdentityStoreId"] == store
no("ValidationException", "identitystore", "ListIdentityStores", MaxResults=0)

# Applications of Identity Center ------------------------------------------------------------------------------
providers = ok(SA, "ListApplicationProviders")["ApplicationProviders"]
no("ValidationException", SA, "ListApplicationProviders", MaxResults=0)
custom = next(row for row in providers if row["ApplicationProviderArn"].endswith("/custom"))["ApplicationProviderArn"]
assert ok(SA, "DescribeApplicationProvider", ApplicationProviderArn=custom)["FederationProtocol"] == "OAUTH"
no("ResourceNotFoundException", SA, "DescribeApplicationProvider", ApplicationProviderArn=custom + "-x")
new = {"InstanceArn": instance, "ApplicationProviderArn": custom, "Name": "Dashboard", "ClientToken": "one"}
application = ok(SA, "CreateApplication", **new)["ApplicationArn"]
assert ok(SA, "CreateApplication", **new)["ApplicationArn"] == application, "a client token creates one application"
no("ConflictException", SA, "CreateApplication", **{**new, "Name": "Other"})
no("ValidationException", SA, "CreateApplication", **{**new, "ApplicationProviderArn": custom + "-saml", "ClientToken": "two"})
app = {"ApplicationArn": application}
nowhere = {"ApplicationArn": application[:-4] + "0000"}
ok(SA, "UpdateApplication", **app, Description="Charts", Status="DISABLED",
   PortalOptions={"SignInOptions": {"Origin": "APPLICATION", "ApplicationUrl": "https://example.com"}})
no("ResourceNotFoundException", SA, "UpdateApplication", **nowhere, Name="x")
described = ok(SA, "DescribeApplication", **app)
assert (described["Name"], described["Description"], described["Status"]) == ("Dashboard", "Charts", "DISABLED")
assert described["PortalOptions"]["Visibility"] == "ENABLED" and described["IdentityStoreArn"].endswith(store)
no("ResourceNotFoundException", SA, "DescribeApplication", **nowhere)
assert len(ok(SA, "ListApplications", InstanceArn=instance)["Applications"]) == 1
assert ok(SA, "ListApplications", InstanceArn=instance, Filter={"ApplicationProvider": custom + "-saml"})["Applications"] == []
no("ValidationException", SA, "ListApplications", InstanceArn="x")
ok(SA, "TagResource", ResourceArn=application, Tags=[{"Key": "team", "Value": "a"}])
assigned = {**app, "PrincipalId": group, "PrincipalType": "GROUP"}
nobody = {**app, "PrincipalId": user, "PrincipalType": "GROUP"}
ok(SA, "CreateApplicationAssignment", **assigned)
no("ConflictException", SA, "CreateApplicationAssignment", **assigned)
no("ResourceNotFoundException", SA, "CreateApplicationAssignment", **nobody)
ok(SA, "DescribeApplicationAssignment", **assigned)
no("ResourceNotFoundException", SA, "DescribeApplicationAssignment", **nobody)
assert ok(SA, "ListApplicationAssignments", **app)["ApplicationAssignments"][0]["PrincipalId"] == group
no("ResourceNotFoundException", SA, "ListApplicationAssignments", **nowhere)
assert ok(SA, "ListApplicationAssignmentsForPrincipal", InstanceArn=instance, PrincipalId=group, PrincipalType="GROUP")["ApplicationAssignments"]
ok(SA, "DeleteApplicationAssignment", **assigned)
no("ResourceNotFoundException", SA, "DeleteApplicationAssignment", **assigned)
assert ok(SA, "GetApplicationAssignmentConfiguration", **app)["AssignmentRequired"] is True
ok(SA, "PutApplicationAssignmentConfiguration", **app, AssignmentRequired=False)
assert ok(SA, "GetApplicationAssignmentConfiguration", **app)["AssignmentRequired"] is False
no("ResourceNotFoundException", SA, "GetApplicationAssignmentConfiguration", **nowhere)
no("ResourceNotFoundException", SA, "PutApplicationAssignmentConfiguration", **nowhere, AssignmentRequired=False)
ok(SA, "PutApplicationSessionConfiguration", **app, UserBackgroundSessionApplicationStatus="ENABLED")
assert ok(SA, "GetApplicationSessionConfiguration", **app)["UserBackgroundSessionApplicationStatus"] == "ENABLED"
no("ResourceNotFoundException", SA, "GetApplicationSessionConfiguration", **nowhere)
no("ValidationException", SA, "PutApplicationSessionConfiguration", **app, UserBackgroundSessionApplicationStatus="MAYBE")
oidc = {"IssuerUrl": "https://issuer.example.com", "ClaimAttributePath": "email", "IdentityStoreAttributePath": "emails.value",
        "JwksRetrievalOption": "OPEN_ID_DISCOVERY"}
issuer_values = {"InstanceArn": instance, "Name": "okta", "TrustedTokenIssuerType": "OIDC_JWT",
                 "TrustedTokenIssuerConfiguration": {"OidcJwtConfiguration": oidc}}
issuer = ok(SA, "CreateTrustedTokenIssuer", **issuer_values)["TrustedTokenIssuerArn"]
no("ConflictException", SA, "CreateTrustedTokenIssuer", **issuer_values)
ok(SA, "UpdateTrustedTokenIssuer", TrustedTokenIssuerArn=issuer, Name="entra",
   TrustedTokenIssuerConfiguration={"OidcJwtConfiguration": {"ClaimAttributePath": "sub"}})
no("ResourceNotFoundException", SA, "UpdateTrustedTokenIssuer", TrustedTokenIssuerArn=issuer[:-4] + "0000", Name="x")
found = ok(SA, "DescribeTrustedTokenIssuer", TrustedTokenIssuerArn=issuer)
assert found["Name"] == "entra"
assert found["TrustedTokenIssuerConfiguration"]["OidcJwtConfiguration"] == {**oidc, "ClaimAttributePath": "sub"}
no("ResourceNotFoundException", SA, "DescribeTrustedTokenIssuer", TrustedTokenIssuerArn=issuer[:-4] + "0000")
assert len(ok(SA, "ListTrustedTokenIssuers", InstanceArn=instance)["TrustedTokenIssuers"]) == 1
no("ValidationException", SA, "ListTrustedTokenIssuers", InstanceArn="x")
bearer_grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
grant = {"JwtBearer": {"AuthorizedTokenIssuers": [{"TrustedTokenIssuerArn": issuer, "AuthorizedAudiences": ["a"]}]}}
ok(SA, "PutApplicationGrant", **app, GrantType=bearer_grant, Grant=grant)
no("ValidationException", SA, "PutApplicationGrant", **app, GrantType="refresh_token", Grant=grant)
assert ok(SA, "GetApplicationGrant", **app, GrantType=bearer_grant)["Grant"] == grant
no("ResourceNotFoundException", SA, "GetApplicationGrant", **app, GrantType="refresh_token")
assert ok(SA, "ListApplicationGrants", **app)["Grants"] == [{"GrantType": bearer_grant, "Grant": grant}]
no("ResourceNotFoundException", SA, "ListApplicationGrants", **nowhere)
ok(SA, "DeleteApplicationGrant", **app, GrantType=bearer_grant)
no("ResourceNotFoundException", SA, "DeleteApplicationGrant", **app, GrantType=bearer_grant)
ok(SA, "PutApplicationAccessScope", **app, Scope="sso:account:access", AuthorizedTargets=[application])
no("ResourceNotFoundException", SA, "PutApplicationAccessScope", **nowhere, Scope="sso:account:access")
assert ok(SA, "GetApplicationAccessScope", **app, Scope="sso:account:access")["AuthorizedTargets"] == [application]
no("ResourceNotFoundException", SA, "GetApplicationAccessScope", **app, Scope="other:access")
assert len(ok(SA, "ListApplicationAccessScopes", **app)["Scopes"]) == 1
no("ResourceNotFoundException", SA, "ListApplicationAccessScopes", **nowhere)
ok(SA, "DeleteApplicationAccessScope", **app, Scope="sso:account:access")
no("ResourceNotFoundException", SA, "DeleteApplicationAccessScope", **app, Scope="sso:account:access")
iam_method = {"Iam": {"ActorPolicy": json.loads(ONE_STATEMENT)}}
ok(SA, "PutApplicationAuthenticationMethod", **app, AuthenticationMethodType="IAM", AuthenticationMethod=iam_method)
no("ResourceNotFoundException", SA, "PutApplicationAuthenticationMethod", **nowhere, AuthenticationMethodType="IAM",
   AuthenticationMethod=iam_method)
assert ok(SA, "GetApplicationAuthenticationMethod", **app, AuthenticationMethodType="IAM")["AuthenticationMethod"] == iam_method
no("ResourceNotFoundException", SA, "GetApplicationAuthenticationMethod", **nowhere, AuthenticationMethodType="IAM")
assert len(ok(SA, "ListApplicationAuthenticationMethods", **app)["AuthenticationMethods"]) == 1
no("ResourceNotFoundException", SA, "ListApplicationAuthenticationMethods", **nowhere)
ok(SA, "DeleteApplicationAuthenticationMethod", **app, AuthenticationMethodType="IAM")
no("ResourceNotFoundException", SA, "DeleteApplicationAuthenticationMethod", **app, AuthenticationMethodType="IAM")
ok(SA, "DeleteTrustedTokenIssuer", TrustedTokenIssuerArn=issuer)
no("ResourceNotFoundException", SA, "DeleteTrustedTokenIssuer", TrustedTokenIssuerArn=issuer)
ok(SA, "DeleteApplication", **app)
no("ResourceNotFoundException", SA, "DeleteApplication", **app)

# Attributes for access control, and Regions ---------------------------------------------------------------------
wanted = {"AccessControlAttributes": [{"Key": "Team", "Value": {"Source": ["${path:enterprise.department}"]}}]}
attributes = {"InstanceArn": instance, "InstanceAccessControlAttributeConfiguration": wanted}
no("ResourceNotFoundException", SA, "DescribeInstanceAccessControlAttributeConfiguration", InstanceArn=instance)
no("ResourceNotFoundException", SA, "UpdateInstanceAccessControlAttributeConfiguration", **attributes)
no("ResourceNotFoundException", SA, "DeleteInstanceAccessControlAttributeConfiguration", InstanceArn=instance)
ok(SA, "CreateInstanceAccessControlAttributeConfiguration", **attributes)
no("ConflictException", SA, "CreateInstanceAccessControlAttributeConfiguration", **attributes)
ok(SA, "UpdateInstanceAccessControlAttributeConfiguration", **attributes)
found = ok(SA, "DescribeInstanceAccessControlAttributeConfiguration", InstanceArn=instance)
assert (found["Status"], found["InstanceAccessControlAttributeConfiguration"]) == ("ENABLED", wanted)
ok(SA, "DeleteInstanceAccessControlAttributeConfiguration", InstanceArn=instance)
region = {"InstanceArn": instance, "RegionName": "eu-central-1"}
no("ResourceNotFoundException", SA, "DescribeRegion", **region)
no("ResourceNotFoundException", SA, "RemoveRegion", **region)
assert ok(SA, "AddRegion", **region)["Status"] == "ADDING"
no("ConflictException", SA, "AddRegion", **region)
until(lambda: ok(SA, "DescribeRegion", **region)["Status"] == "ACTIVE")
elsewhere = boto3.client(SA, region_name="eu-central-1")
assert elsewhere.list_instances()["Instances"][0]["InstanceArn"] == instance, "one instance, seen from two Regions"
assert len(ok(SA, "ListRegions", InstanceArn=instance)["Regions"]) == 2
assert ok(SA, "RemoveRegion", **region)["Status"] == "REMOVING"
until(lambda: len(ok(SA, "ListRegions", InstanceArn=instance)["Regions"]) == 1)

# Argo CD on Amazon EKS -----------------------------------------------------------------------------------------
EK = "eks"
assert ok(EK, "DescribeCluster", name="demo")["cluster"]["status"] == "ACTIVE"
no("ResourceNotFoundException", EK, "DescribeCluster", name="other")
argo = {"argoCd": {"namespace": "argocd", "awsIdc": {"idcInstanceArn": instance},
                   "rbacRoleMappings": [{"role": "ADMIN", "identities": [{"id": group, "type": "SSO_GROUP"}]}]}}
capability = {"clusterName": "demo", "capabilityName": "argocd", "type": "ARGOCD", "deletePropagationPolicy": "RETAIN",
              "roleArn": f"arn:aws:iam::{account}:role/argocd", "configuration": argo}
made = ok(EK, "CreateCapability", **capability)["capability"]
assert made["status"] == "CREATING" and made["configuration"]["argoCd"]["awsIdc"]["idcManagedApplicationArn"]
no("ResourceInUseException", EK, "CreateCapability", **capability)
no("InvalidParameterException", EK, "CreateCapability", **{**capability, "clusterName": "other"})
named = {"clusterName": "demo", "capabilityName": "argocd"}
until(lambda: ok(EK, "DescribeCapability", **named)["capability"]["status"] == "ACTIVE")
no("ResourceNotFoundException", EK, "DescribeCapability", **{**named, "capabilityName": "x"})
assert ok(EK, "ListCapabilities", clusterName="demo")["capabilities"][0]["capabilityName"] == "argocd"
no("InvalidParameterException", EK, "ListCapabilities", clusterName="other")
ok(EK, "DeleteCapability", **named)
no("ResourceNotFoundException", EK, "DeleteCapability", **named)

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
no("InvalidInputException", OR, "ListAccounts", MaxResults=21)
asked = ok(OR, "CreateAccount", Email="dev@example.com", AccountName="Dev")["CreateAccountStatus"]["Id"]
no("InvalidInputException", OR, "CreateAccount", Email="dev", AccountName="Dev")
until(lambda: ok(OR, "DescribeCreateAccountStatus", CreateAccountRequestId=asked)["CreateAccountStatus"]["State"] == "SUCCEEDED")
no("CreateAccountStatusNotFoundException", OR, "DescribeCreateAccountStatus", CreateAccountRequestId="car-00000000")
assert len(ok(OR, "ListAccounts")["Accounts"]) == 2
ok(OR, "ListAWSServiceAccessForOrganization")
no("InvalidInputException", OR, "ListAWSServiceAccessForOrganization", MaxResults=0)
ok(OR, "ListDelegatedAdministrators")
no("InvalidInputException", OR, "ListDelegatedAdministrators", ServicePrincipal="no spaces")
dev = next(account["Id"] for account in ok(OR, "ListAccounts")["Accounts"] if account["Name"] == "Dev")
nobody = "000000000000"
assert ok(OR, "ListCreateAccountStatus", States=["SUCCEEDED"])["CreateAccountStatuses"]
no("InvalidInputException", OR, "ListCreateAccountStatus", States=["MAYBE"])
assert ok(OR, "DescribeAccount", AccountId=dev)["Account"]["State"] == "ACTIVE"
no("AccountNotFoundException", OR, "DescribeAccount", AccountId=nobody)
root = ok(OR, "ListRoots")["Roots"][0]["Id"]
no("InvalidInputException", OR, "ListRoots", MaxResults=0)
unit = ok(OR, "CreateOrganizationalUnit", ParentId=root, Name="Team", Tags=[{"Key": "a", "Value": "b"}])["OrganizationalUnit"]["Id"]
no("DuplicateOrganizationalUnitException", OR, "CreateOrganizationalUnit", ParentId=root, Name="Team")
inner = ok(OR, "CreateOrganizationalUnit", ParentId=unit, Name="Inner")["OrganizationalUnit"]["Id"]
assert ok(OR, "DescribeOrganizationalUnit", OrganizationalUnitId=unit)["OrganizationalUnit"]["Name"] == "Team"
no("OrganizationalUnitNotFoundException", OR, "DescribeOrganizationalUnit", OrganizationalUnitId="ou-zzzz-00000000")
ok(OR, "UpdateOrganizationalUnit", OrganizationalUnitId=unit, Name="Group")
no("OrganizationalUnitNotFoundException", OR, "UpdateOrganizationalUnit", OrganizationalUnitId="ou-zzzz-00000000", Name="x")
assert [row["Name"] for row in ok(OR, "ListOrganizationalUnitsForParent", ParentId=root)["OrganizationalUnits"]] == ["Group"]
no("ParentNotFoundException", OR, "ListOrganizationalUnitsForParent", ParentId="r-zzzz")
ok(OR, "MoveAccount", AccountId=dev, SourceParentId=root, DestinationParentId=inner)
no("DuplicateAccountException", OR, "MoveAccount", AccountId=dev, SourceParentId=root, DestinationParentId=inner)
assert [row["Id"] for row in ok(OR, "ListAccountsForParent", ParentId=inner)["Accounts"]] == [dev]
no("ParentNotFoundException", OR, "ListAccountsForParent", ParentId="r-zzzz")
assert ok(OR, "DescribeAccount", AccountId=dev)["Account"]["Paths"][0].endswith(f"/{root}/{unit}/{inner}/{dev}/")
assert ok(OR, "ListParents", ChildId=dev)["Parents"] == [{"Id": inner, "Type": "ORGANIZATIONAL_UNIT"}]
assert ok(OR, "ListParents", ChildId=unit)["Parents"] == [{"Id": root, "Type": "ROOT"}]
no("ChildNotFoundException", OR, "ListParents", ChildId=nobody)
assert ok(OR, "ListChildren", ParentId=root, ChildType="ACCOUNT")["Children"] == [{"Id": account, "Type": "ACCOUNT"}]
no("ParentNotFoundException", OR, "ListChildren", ParentId="r-zzzz", ChildType="ACCOUNT")
no("OrganizationalUnitNotEmptyException", OR, "DeleteOrganizationalUnit", OrganizationalUnitId=inner)
ok(OR, "MoveAccount", AccountId=dev, SourceParentId=inner, DestinationParentId=root)
ok(OR, "DeleteOrganizationalUnit", OrganizationalUnitId=inner)
ok(OR, "TagResource", ResourceId=dev, Tags=[{"Key": "team", "Value": "x"}, {"Key": "old", "Value": "y"}])
no("TargetNotFoundException", OR, "TagResource", ResourceId=nobody, Tags=[])
ok(OR, "UntagResource", ResourceId=dev, TagKeys=["old"])
no("TargetNotFoundException", OR, "UntagResource", ResourceId=nobody, TagKeys=["old"])
assert ok(OR, "ListTagsForResource", ResourceId=dev)["Tags"] == [{"Key": "team", "Value": "x"}]
no("TargetNotFoundException", OR, "ListTagsForResource", ResourceId=nobody)
delegated = {"AccountId": dev, "ServicePrincipal": "sso.amazonaws.com"}
ok(OR, "RegisterDelegatedAdministrator", **delegated)
no("AccountAlreadyRegisteredException", OR, "RegisterDelegatedAdministrator", **delegated)
no("ConstraintViolationException", OR, "RegisterDelegatedAdministrator", **{**delegated, "AccountId": account})
assert ok(OR, "ListDelegatedServicesForAccount", AccountId=dev)["DelegatedServices"]
ok(OR, "DeregisterDelegatedAdministrator", **delegated)
no("AccountNotRegisteredException", OR, "DeregisterDelegatedAdministrator", **delegated)
no("AccountNotRegisteredException", OR, "ListDelegatedServicesForAccount", AccountId=dev)
ok(OR, "EnableAWSServiceAccess", ServicePrincipal="ram.amazonaws.com")
no("InvalidInputException", OR, "EnableAWSServiceAccess", ServicePrincipal="no spaces")
assert len(ok(OR, "ListAWSServiceAccessForOrganization")["EnabledServicePrincipals"]) == 2
ok(OR, "DisableAWSServiceAccess", ServicePrincipal="ram.amazonaws.com")
no("InvalidInputException", OR, "DisableAWSServiceAccess", ServicePrincipal="no spaces")
no("InvalidInputException", OR, "EnableAWSServiceAccess", ServicePrincipal="ram.example.com")
SCP = "SERVICE_CONTROL_POLICY"
assert [row["Id"] for row in ok(OR, "ListPolicies", Filter=SCP)["Policies"]] == ["p-FullAWSAccess"]
assert no("InvalidInputException", OR, "ListPolicies", Filter="NONE")["Reason"] == "INVALID_ENUM"
assert [row["Id"] for row in ok(OR, "ListPoliciesForTarget", TargetId=root, Filter=SCP)["Policies"]] == ["p-FullAWSAccess"]
no("TargetNotFoundException", OR, "ListPoliciesForTarget", TargetId="r-zzzz", Filter=SCP)
deny = {"Name": "DenyAll", "Description": "Denies everything", "Type": SCP, "Content": ONE_STATEMENT}
rule = ok(OR, "CreatePolicy", **deny, Tags=[{"Key": "a", "Value": "b"}])["Policy"]["PolicySummary"]
assert rule["Arn"].endswith(f"/service_control_policy/{rule['Id']}") and not rule["AwsManaged"], rule
rule = rule["Id"]
no("DuplicatePolicyException", OR, "CreatePolicy", **deny)
no("MalformedPolicyDocumentException", OR, "CreatePolicy", **{**deny, "Name": "Other", "Content": "no json"})
assert ok(OR, "ListTagsForResource", ResourceId=rule)["Tags"] == [{"Key": "a", "Value": "b"}]
assert ok(OR, "DescribePolicy", PolicyId=rule)["Policy"]["Content"] == ONE_STATEMENT
no("PolicyNotFoundException", OR, "DescribePolicy", PolicyId="p-00000000")
ok(OR, "UpdatePolicy", PolicyId=rule, Description="Denies all of it")
assert no("InvalidInputException", OR, "UpdatePolicy", PolicyId="p-FullAWSAccess", Name="x")["Reason"] == "IMMUTABLE_POLICY"
attachment = {"PolicyId": rule, "TargetId": dev}
no("PolicyTypeNotEnabledException", OR, "AttachPolicy", **attachment)
ok(OR, "EnablePolicyType", RootId=root, PolicyType=SCP)
no("PolicyTypeAlreadyEnabledException", OR, "EnablePolicyType", RootId=root, PolicyType=SCP)
assert ok(OR, "ListRoots")["Roots"][0]["PolicyTypes"] == [{"Type": SCP, "Status": "ENABLED"}]
ok(OR, "AttachPolicy", **attachment)
no("DuplicatePolicyAttachmentException", OR, "AttachPolicy", **attachment)
assert [row["TargetId"] for row in ok(OR, "ListTargetsForPolicy", PolicyId=rule)["Targets"]] == [dev]
no("PolicyNotFoundException", OR, "ListTargetsForPolicy", PolicyId="p-00000000")
no("PolicyInUseException", OR, "DeletePolicy", PolicyId=rule)
ok(OR, "DetachPolicy", PolicyId="p-FullAWSAccess", TargetId=dev)
last = no("ConstraintViolationException", OR, "DetachPolicy", **attachment)
assert last["Reason"] == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", last
ok(OR, "DisablePolicyType", RootId=root, PolicyType=SCP)
no("PolicyTypeNotEnabledException", OR, "DisablePolicyType", RootId=root, PolicyType=SCP)
no("PolicyNotAttachedException", OR, "DetachPolicy", **attachment)
ok(OR, "DeletePolicy", PolicyId=rule)
ok(OR, "ListHandshakesForAccount")
no("InvalidInputException", OR, "ListHandshakesForAccount", NextToken="zz")
ok(OR, "ListHandshakesForOrganization")
no("InvalidInputException", OR, "ListHandshakesForOrganization", MaxResults=0)
no("OrganizationNotEmptyException", OR, "DeleteOrganization")
ok(OR, "CloseAccount", AccountId=dev)
no("AccountAlreadyClosedException", OR, "CloseAccount", AccountId=dev)
assert ok(OR, "DescribeAccount", AccountId=dev)["Account"]["State"] == "SUSPENDED"
ok(OR, "RemoveAccountFromOrganization", AccountId=dev)
no("MasterCannotLeaveOrganizationException", OR, "RemoveAccountFromOrganization", AccountId=account)
ok("freetier", "GetAccountPlanState")
ok("sts", "GetCallerIdentity")
no("AccessDenied", "sts", "GetSessionToken")
no("AccessDenied", "sts", "AssumeRole", RoleArn=f"arn:aws:iam::{account}:role/Deploy", RoleSessionName="me")
ada = boto3.client("sts", aws_access_key_id="AKIAREHEARSAL0000001", aws_secret_access_key="x")
for operation, asked in (("GetSessionToken", {}), ("AssumeRole", {"RoleArn": f"arn:aws:iam::{account}:role/Deploy", "RoleSessionName": "me"})):
    answer = method(ada, operation)(**asked)
    check("sts", operation, answer)
    happy.add(f"sts:{operation}")
given = answer["Credentials"]
assumed = boto3.client("sts", aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
                       aws_session_token=given["SessionToken"]).get_caller_identity()["Arn"]
assert assumed == f"arn:aws:sts::{account}:assumed-role/Deploy/me", assumed

# iam ----------------------------------------------------------------------------------------------------------
summary = ok("iam", "GetAccountSummary")["SummaryMap"]
assert summary["AccountAccessKeysPresent"] == 0 and summary["AccountMFAEnabled"] == 0, summary
caller_role = arn.split("/")[1]
role = ok("iam", "GetRole", RoleName=caller_role)["Role"]
assert role["Arn"] == f"arn:aws:iam::{account}:role{role['Path']}{caller_role}", role
assert json.loads(role["AssumeRolePolicyDocument"])["Version"] == "2012-10-17", role
no("NoSuchEntity", "iam", "GetRole", RoleName="nobody")
no("ValidationError", "iam", "GetRole", RoleName="a b")
policies = ok("iam", "ListPolicies", Scope="AWS", MaxItems=20)
assert policies["IsTruncated"] and ok("iam", "ListPolicies", Scope="AWS", MaxItems=20, Marker=policies["Marker"])["Policies"]
assert ok("iam", "ListPolicies", Scope="AWS", PathPrefix="/job-function/")["Policies"][0]["Arn"].endswith("policy/job-function/Billing")
assert not ok("iam", "ListPolicies", Scope="Local")["Policies"]
no("ValidationError", "iam", "ListPolicies", Scope="Mine")
assert caller_role in [row["RoleName"] for row in ok("iam", "ListRoles", PathPrefix="/aws-reserved/")["Roles"]]
no("ValidationError", "iam", "ListRoles", MaxItems=0)
assert ok("iam", "GetUser", UserName="ada")["User"]["Arn"] == f"arn:aws:iam::{account}:user/ada"
no("NoSuchEntity", "iam", "GetUser", UserName="eve")
assert ok("iam", "GetPolicy", PolicyArn=policy)["Policy"]["PolicyName"] == "AdministratorAccess"
assert ok("iam", "GetPolicy", PolicyArn=f"arn:aws:iam::{account}:policy/mine")["Policy"]["Path"] == "/"
no("NoSuchEntity", "iam", "GetPolicy", PolicyArn=f"arn:aws:iam::{account}:policy/nobody")
assert ok("iam", "ListAttachedRolePolicies", RoleName=caller_role)["AttachedPolicies"][0]["PolicyArn"] == policy
no("NoSuchEntity", "iam", "ListAttachedRolePolicies", RoleName="nobody")
assert ok("iam", "ListSAMLProviders")["SAMLProviderList"][0]["Arn"].endswith("DO_NOT_DELETE")
simulate = {"PolicySourceArn": f"arn:aws:iam::{account}:user/ada", "ActionNames": ["sso:ListInstances", "iam:CreateRole"]}
allowed = ok("iam", "SimulatePrincipalPolicy", **simulate)["EvaluationResults"]
assert [row["EvalDecision"] for row in allowed] == ["allowed", "implicitDeny"], allowed
first = ok("iam", "SimulatePrincipalPolicy", **simulate, MaxItems=1)
assert first["IsTruncated"] and len(ok("iam", "SimulatePrincipalPolicy", **simulate, Marker=first["Marker"])["EvaluationResults"]) == 1
no("ValidationError", "iam", "SimulatePrincipalPolicy", ActionNames=["sso:ListInstances"])
no("InvalidInput", "iam", "SimulatePrincipalPolicy", **{**simulate, "PolicySourceArn": f"arn:aws:iam::{account}:root"})
no("NoSuchEntity", "iam", "SimulatePrincipalPolicy", **{**simulate, "PolicySourceArn": f"arn:aws:iam::{account}:user/eve"})

# s3 and cloudtrail --------------------------------------------------------------------------------------------
S3, CT = "s3", "cloudtrail"
bucket = "trail-for-a-test-7f3a"
in_bucket = {"Bucket": bucket, "ExpectedBucketOwner": account}
foreign = {"Bucket": bucket, "ExpectedBucketOwner": "999999999999"}
ok(S3, "CreateBucket", Bucket=bucket)
no("InvalidBucketName", S3, "CreateBucket", Bucket="Trail_For_A_Test")
ok(S3, "HeadBucket", **in_bucket)
ok(S3, "ListObjectsV2", MaxKeys=1, **in_bucket)
no("404", S3, "HeadBucket", Bucket="nobody-has-this-one")
no("NoSuchBucket", S3, "ListObjectsV2", Bucket="nobody-has-this-one")
ok(S3, "GetBucketLocation", **in_bucket)
no("AccessDenied", S3, "GetBucketLocation", **foreign)
block = dict.fromkeys(["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True)
ok(S3, "PutPublicAccessBlock", **in_bucket, PublicAccessBlockConfiguration=block)
no("AccessDenied", S3, "PutPublicAccessBlock", **foreign, PublicAccessBlockConfiguration=block)
assert ok(S3, "GetPublicAccessBlock", **in_bucket)["PublicAccessBlockConfiguration"] == block
no("NoSuchBucket", S3, "GetPublicAccessBlock", Bucket="nobody-has-this-one")
no("NoSuchBucketPolicy", S3, "GetBucketPolicy", **in_bucket)
assert bucket in [row["Name"] for row in ok(S3, "ListBuckets")["Buckets"]]
assert ok(S3, "GetBucketAcl", **in_bucket)["Grants"][0]["Grantee"]["Type"] == "CanonicalUser"
assert "Status" not in ok(S3, "GetBucketVersioning", **in_bucket)
ok(S3, "PutBucketVersioning", **in_bucket, VersioningConfiguration={"Status": "Enabled"})
assert ok(S3, "GetBucketVersioning", **in_bucket)["Status"] == "Enabled"
encryption = ok(S3, "GetBucketEncryption", **in_bucket)["ServerSideEncryptionConfiguration"]
assert encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256", encryption
ok(S3, "PutBucketEncryption", **in_bucket, ServerSideEncryptionConfiguration={
    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}]})
assert ok(S3, "GetBucketEncryption", **in_bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]["BucketKeyEnabled"] is True
controls = ok(S3, "GetBucketOwnershipControls", **in_bucket)["OwnershipControls"]
assert controls == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}, controls
ok(S3, "PutBucketOwnershipControls", **in_bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
assert ok(S3, "GetBucketOwnershipControls", **in_bucket)["OwnershipControls"]["Rules"][0]["ObjectOwnership"] == "ObjectWriter"
ok(S3, "GetBucketLogging", **in_bucket)
assert ok(S3, "GetBucketRequestPayment", **in_bucket)["Payer"] == "BucketOwner"
ok(S3, "GetBucketAccelerateConfiguration", **in_bucket)
ok(S3, "ListObjects", **in_bucket)
for code, operation in (("NoSuchCORSConfiguration", "GetBucketCors"), ("NoSuchWebsiteConfiguration", "GetBucketWebsite"),
                        ("NoSuchLifecycleConfiguration", "GetBucketLifecycleConfiguration"),
                        ("ReplicationConfigurationNotFoundError", "GetBucketReplication"),
                        ("ObjectLockConfigurationNotFoundError", "GetObjectLockConfiguration")):
    no(code, S3, operation, **in_bucket)
    # A new bucket has none, and no operation here sets one.
    happy.add(f"{S3}:{operation}")
for operation in ("GetBucketAcl", "GetBucketVersioning", "GetBucketEncryption", "GetBucketOwnershipControls", "GetBucketLogging",
                  "GetBucketRequestPayment", "GetBucketAccelerateConfiguration", "ListObjects"):
    no("AccessDenied", S3, operation, **foreign)
for operation, setting in (("PutBucketVersioning", {"VersioningConfiguration": {"Status": "Perhaps"}}),
                           ("PutBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": [
                               {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "none"}}]}}),
                           ("PutBucketOwnershipControls", {"OwnershipControls": {"Rules": [{"ObjectOwnership": "Nobody"}]}})):
    no("MalformedXML", S3, operation, **in_bucket, **setting)
trail = {"Name": "management-events", "S3BucketName": bucket, "IsMultiRegionTrail": True, "EnableLogFileValidation": True}
no("InsufficientS3BucketPolicyException", CT, "CreateTrail", **trail)
ok(CT, "LookupEvents")
no("ValidationException", CT, "LookupEvents", MaxResults=0)
trail_arn = f"arn:aws:cloudtrail:us-east-1:{account}:trail/management-events"


def allow(action, resource):
    return {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": action, "Resource": resource,
            "Condition": {"StringEquals": {"aws:SourceArn": trail_arn}}}


statements = [allow("s3:GetBucketAcl", f"arn:aws:s3:::{bucket}"), allow("s3:PutObject", f"arn:aws:s3:::{bucket}/AWSLogs/{account}/*")]
bucket_policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
ok(S3, "PutBucketPolicy", **in_bucket, Policy=bucket_policy)
no("MalformedPolicy", S3, "PutBucketPolicy", **in_bucket, Policy="no json")
public = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
no("AccessDenied", S3, "PutBucketPolicy", **in_bucket, Policy=json.dumps({"Statement": [public]}))
assert ok(S3, "GetBucketPolicy", **in_bucket)["Policy"] == bucket_policy
ok(S3, "PutBucketTagging", **in_bucket, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
no("MalformedXML", S3, "PutBucketTagging", **in_bucket, Tagging={"TagSet": [{"Key": "", "Value": "b"}]})
assert ok(S3, "GetBucketTagging", **in_bucket)["TagSet"] == [{"Key": "a", "Value": "b"}]
no("AccessDenied", S3, "GetBucketTagging", **foreign)
made = ok(CT, "CreateTrail", **trail)
assert made["TrailARN"] == trail_arn
no("TrailAlreadyExistsException", CT, "CreateTrail", **trail)
no("S3BucketDoesNotExistException", CT, "CreateTrail", **{**trail, "Name": "other", "S3BucketName": "nobody-has-this-one"})
assert ok(CT, "DescribeTrails")["trailList"][0]["IsMultiRegionTrail"]
no("ValidationException", CT, "DescribeTrails", trailNameList=[5])
assert not ok(CT, "UpdateTrail", Name="management-events", EnableLogFileValidation=False)["LogFileValidationEnabled"]
no("TrailNotFoundException", CT, "UpdateTrail", Name="nobody")
assert ok(CT, "ListTags", ResourceIdList=[trail_arn])["ResourceTagList"][0]["TagsList"] == []
no("ResourceNotFoundException", CT, "ListTags", ResourceIdList=[trail_arn + "x"])
ok(CT, "ListTrails")
no("ValidationException", CT, "ListTrails", NextToken="zz")
ok(CT, "GetTrail", Name="management-events")
no("TrailNotFoundException", CT, "GetTrail", Name="nobody")
ok(CT, "GetEventSelectors", TrailName=trail_arn)
no("TrailNotFoundException", CT, "GetEventSelectors", TrailName="nobody")
ok(CT, "PutEventSelectors", TrailName=trail_arn, EventSelectors=[{"ReadWriteType": "All", "IncludeManagementEvents": True}])
no("InvalidEventSelectorsException", CT, "PutEventSelectors", TrailName=trail_arn, EventSelectors=[])
assert not ok(CT, "GetTrailStatus", Name=trail_arn)["IsLogging"]
ok(CT, "StartLogging", Name=trail_arn)
no("CloudTrailARNInvalidException", CT, "StartLogging", Name="arn:aws:cloudtrail:nonsense")
until(lambda: "LatestDeliveryTime" in ok(CT, "GetTrailStatus", Name=trail_arn))
no("TrailNotFoundException", CT, "GetTrailStatus", Name="nobody")
no("BucketNotEmpty", S3, "DeleteBucket", **in_bucket)
ok(S3, "DeleteBucketPolicy", **in_bucket)
no("AccessDenied", S3, "DeleteBucketPolicy", **foreign)
assert ok(CT, "GetTrailStatus", Name=trail_arn)["LatestDeliveryError"] == "AccessDenied"
ok(CT, "StopLogging", Name=trail_arn)
no("TrailNotFoundException", CT, "StopLogging", Name="nobody")
abroad = boto3.client("cloudtrail", region_name="eu-west-1")
try:
    abroad.delete_trail(Name=trail_arn)
    problems.append("DeleteTrail away from home was accepted")
except abroad.exceptions.InvalidHomeRegionException:
    pass
ok(CT, "DeleteTrail", Name=trail_arn)
no("TrailNotFoundException", CT, "DeleteTrail", Name=trail_arn)
ok(S3, "CreateBucket", Bucket="empty-and-soon-gone", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
ok(S3, "DeleteBucket", Bucket="empty-and-soon-gone")
no("NoSuchBucket", S3, "DeleteBucket", Bucket="empty-and-soon-gone")

# signin: a console session lent to a program ------------------------------------------------------------------
SI = "signin"


def proof(key):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC", "crv": "P-256", "x": key, "y": key}}
    return ".".join([part(header), part({"jti": "1", "iat": int(time.time()), "htm": "POST", "htu": "https://x/v1/token"}), "c2ln"])


key = ["mine"]
for client in (clients[SI], unchecked[SI]):
    client.meta.events.register("before-call.signin.CreateOAuth2Token", lambda params, **_: params["headers"].update(DPoP=proof(key[0])))
asks = {"clientId": "arn:aws:signin:::devtools/same-device", "grantType": "refresh_token"}
lent = ok(SI, "CreateOAuth2Token", tokenInput={**asks, "refreshToken": login})["tokenOutput"]
no("AccessDeniedException", SI, "CreateOAuth2Token", tokenInput={**asks, "refreshToken": login})
no("ValidationException", SI, "CreateOAuth2Token", tokenInput={**asks, "grantType": "password"})
key[0] = "of another"
no("AccessDeniedException", SI, "CreateOAuth2Token", tokenInput={**asks, "refreshToken": lent["refreshToken"]})
keys = lent["accessToken"]
arn = boto3.client("sts", aws_access_key_id=keys["accessKeyId"], aws_secret_access_key=keys["secretAccessKey"],
                   aws_session_token=keys["sessionToken"]).get_caller_identity()["Arn"]
assert arn == f"arn:aws:iam::{account}:user/ada", arn

# and back ---------------------------------------------------------------------------------------------------
deletion = ok(SA, "DeleteAccountAssignment", **at, **target)["AccountAssignmentDeletionStatus"]["RequestId"]
until(lambda: ok(SA, "DescribeAccountAssignmentDeletionStatus", InstanceArn=instance, AccountAssignmentDeletionRequestId=deletion)[
    "AccountAssignmentDeletionStatus"]["Status"] == "SUCCEEDED")
no("ResourceNotFoundException", SA, "DeleteAccountAssignment", **missing, **target)
repeated = ok(SA, "DeleteAccountAssignment", **at, **target)["AccountAssignmentDeletionStatus"]["RequestId"]
until(lambda: ok(SA, "DescribeAccountAssignmentDeletionStatus", InstanceArn=instance, AccountAssignmentDeletionRequestId=repeated)[
    "AccountAssignmentDeletionStatus"]["Status"] == "FAILED")
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

# An account of its own, without organization and Identity Center: what the other cannot show --------------------
clients, unchecked = connect(**fresh)
no("AWSOrganizationsNotInUseException", OR, "DescribeOrganization")
own = ok(SA, "CreateInstance", Name="mine")["InstanceArn"]
no("ValidationException", SA, "ListRegions", InstanceArn="x")
ok(SA, "DeleteInstance", InstanceArn=own)
ok(OR, "CreateOrganization", FeatureSet="ALL")
ok(OR, "DeleteOrganization")

# Nobody's key: refused everywhere, in the words of each protocol ----------------------------------------------
clients, unchecked = connect(**{**fresh, "aws_access_key_id": "ASIANOBODYATALL00000"})
no("UnrecognizedClientException", "freetier", "GetAccountPlanState")
no("InvalidClientTokenId", "iam", "ListSAMLProviders")
no("InvalidAccessKeyId", "s3", "ListBuckets")
no("InvalidClientTokenId", "iam", "GetAccountSummary")
no("InvalidClientTokenId", "sts", "GetCallerIdentity")

every = {f"{name}:{operation}" for name, model in models.items() for operation in model["operations"]}
for operation in sorted(every - happy):
    problems.append(f"{operation}: no happy call")
for operation in sorted(every - refused):
    problems.append(f"{operation}: no refused call")
json.dump({"operations": len(every), "problems": problems}, sys.stdout)
