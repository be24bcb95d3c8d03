"""The same calls to two simulated AWS: what each answers, as JSON. Usage: side_by_side.py REHEARSAL_URL MOTO_URL

An answer is told as its error code, or as what the other one's answer does not have: members by name, lists by their
length and what is in them. What only differs in identifiers or times is no difference. The order of a list is told by labels.
"""

import json
import sys
import time

import boto3
import botocore.exceptions
from botocore import UNSIGNED
from botocore.config import Config

ACCOUNT = "123456789012"
POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"
ABSENT = "9067aabbcc-00000000-0000-4000-8000-000000000000"


class Side:
    """One of the two, with what was made in it."""

    def __init__(self, url):
        self.url, self.made, self.labels = url, {}, {}

    def client(self, name, **more):
        config = Config(parameter_validation=False, retries={"max_attempts": 1}, **more)
        return boto3.client(name, endpoint_url=self.url, region_name="us-east-1", config=config)

    def label(self, value):
        return self.labels.get(value, "another" if value.startswith("arn:") else value)

    def keep(self, label, value):
        self.made[label] = value
        self.labels[value] = label
        return value


CALLS = []


def call(name, ask, keep=None, order=None, wait=0.0):
    """`ask` takes a side; `keep`: (label, function of the answer); `order`: function of the answer, values to label."""
    CALLS.append((name, ask, keep, order, wait))


def admin(operation, name=None, keep=None, order=None, wait=0.0, **params):
    return service("sso-admin", operation, name, keep, order, wait, with_instance=True, **params)


def service(which, operation, name=None, keep=None, order=None, wait=0.0, with_instance=False, **params):
    def ask(side):
        filled = {key: value(side) if callable(value) else value for key, value in params.items()}
        if with_instance and "InstanceArn" not in filled:
            filled["InstanceArn"] = side.made["instance"]
        if which == "identitystore" and "IdentityStoreId" not in filled:
            filled["IdentityStoreId"] = side.made["store"]
        config = {"signature_version": UNSIGNED} if which == "sso-oidc" else {}
        client = side.client(which, **config)
        methods = {known: snake for snake, known in client.meta.method_to_api_mapping.items()}
        return getattr(client, methods[operation])(**filled)

    title = f"{which}:{operation}" + (f", {name}" if name else "")
    call(title, ask, keep, order, wait)


def of(label):
    return lambda side: side.made[label]


def user_named(name, **more):
    person = {"UserName": name, "Name": {"GivenName": "A", "FamilyName": "B"}, "DisplayName": name,
              "Emails": [{"Value": f"{name}@example.com", "Type": "work", "Primary": True}]}
    return {**person, **more}


def by(path, value):
    return {"UniqueAttribute": {"AttributePath": path, "AttributeValue": value}}


ORG, IS = "organizations", "identitystore"
service("sts", "GetCallerIdentity")
service("iam", "GetAccountSummary")
service(ORG, "CreateOrganization", "a second time", FeatureSet="ALL")
service(ORG, "CreateOrganization", "with an unknown feature set", FeatureSet="SOME")
service(ORG, "DescribeOrganization")
service(ORG, "ListAccounts")
service(ORG, "ListAccounts", "21 a page", MaxResults=21)
service(ORG, "ListAWSServiceAccessForOrganization")
service(ORG, "ListDelegatedAdministrators")
service(ORG, "CreateAccount", keep=("car", lambda a: a["CreateAccountStatus"]["Id"]), Email="dev@example.com", AccountName="Dev")
service(ORG, "DescribeCreateAccountStatus", wait=0.5, CreateAccountRequestId=of("car"))
service(ORG, "DescribeCreateAccountStatus", "an unknown request", CreateAccountRequestId="car-" + "0" * 32)
service(ORG, "ListAccounts", "with a second account", order=lambda a: [row["Name"] for row in a["Accounts"]])
service("sso-admin", "ListInstances")
service("sso-admin", "ListInstances", "0 a page", MaxResults=0)
admin("DescribeInstance")
admin("CreateInstance", "in a management account", InstanceArn=None)
admin("ListTagsForResource", "of the instance", ResourceArn=of("instance"))

service(IS, "CreateUser", keep=("ada", lambda a: a["UserId"]), **user_named("ada"))
service(IS, "CreateUser", "the same name", **user_named("ada", Emails=[{"Value": "x@example.com"}]))
service(IS, "CreateUser", "the same address", **user_named("eve", Emails=[{"Value": "ada@example.com", "Primary": True}]))
service(IS, "CreateUser", "without a name", UserName="nameless", DisplayName="x")
service(IS, "CreateUser", "a name with a space", **user_named("a b"))
service(IS, "CreateUser", "a reserved name", **user_named("Administrator"))
service(IS, "CreateUser", "an unknown store", IdentityStoreId="d-0000000000", **user_named("eve"))
service(IS, "CreateUser", "no store", IdentityStoreId=None, **user_named("eve"))
service(IS, "CreateUser", "another one", keep=("bob", lambda a: a["UserId"]), **user_named("bob"))
service(IS, "DescribeUser", UserId=of("ada"))
service(IS, "DescribeUser", "an unknown one", UserId=ABSENT)
service(IS, "DescribeUser", "not an id", UserId="ada")
service(IS, "GetUserId", "by name", AlternateIdentifier=by("userName", "ada"))
service(IS, "GetUserId", "by name in another case", AlternateIdentifier=by("userName", "ADA"))
service(IS, "GetUserId", "by address", AlternateIdentifier=by("emails.value", "ada@example.com"))
service(IS, "GetUserId", "an unknown name", AlternateIdentifier=by("userName", "eve"))
service(IS, "GetUserId", "by display name", AlternateIdentifier=by("displayName", "ada"))
service(IS, "ListUsers", order=lambda a: [row["UserName"] for row in a["Users"]])
service(IS, "ListUsers", "one a page", MaxResults=1)
service(IS, "ListUsers", "101 a page", MaxResults=101)
service(IS, "ListUsers", "a foreign token", NextToken="x" * 24)
service(IS, "ListUsers", "filtered", Filters=[{"AttributePath": "UserName", "AttributeValue": "bob"}])
service(IS, "UpdateUser", UserId=of("ada"), Operations=[{"AttributePath": "displayName", "AttributeValue": "Ada"}])
service(IS, "UpdateUser", "an unknown one", UserId=ABSENT, Operations=[{"AttributePath": "displayName", "AttributeValue": "x"}])
service(IS, "CreateGroup", keep=("group", lambda a: a["GroupId"]), DisplayName="Admins")
service(IS, "CreateGroup", "the same name", DisplayName="Admins")
service(IS, "CreateGroup", "without a name")
service(IS, "CreateGroup", "a reserved name", DisplayName="AWSAdministrators")
service(IS, "DescribeGroup", GroupId=of("group"))
service(IS, "DescribeGroup", "an unknown one", GroupId=ABSENT)
service(IS, "GetGroupId", AlternateIdentifier=by("displayName", "Admins"))
service(IS, "GetGroupId", "an unknown name", AlternateIdentifier=by("displayName", "Nobody"))
service(IS, "ListGroups")
service(IS, "UpdateGroup", GroupId=of("group"), Operations=[{"AttributePath": "description", "AttributeValue": "x"}])
ada = {"MemberId": lambda side: {"UserId": side.made["ada"]}}
service(IS, "CreateGroupMembership", keep=("membership", lambda a: a["MembershipId"]), GroupId=of("group"), **ada)
service(IS, "CreateGroupMembership", "a second time", GroupId=of("group"), **ada)
service(IS, "CreateGroupMembership", "an unknown user", GroupId=of("group"), MemberId={"UserId": ABSENT})
service(IS, "CreateGroupMembership", "an unknown group", GroupId=ABSENT, **ada)
service(IS, "DescribeGroupMembership", MembershipId=of("membership"))
service(IS, "GetGroupMembershipId", GroupId=of("group"), **ada)
service(IS, "IsMemberInGroups", GroupIds=lambda side: [side.made["group"]], **ada)
service(IS, "ListGroupMemberships", GroupId=of("group"))
service(IS, "ListGroupMemberships", "an unknown group", GroupId=ABSENT)
service(IS, "ListGroupMembershipsForMember", **ada)
service(IS, "ListGroupMembershipsForMember", "an unknown user", MemberId={"UserId": ABSENT})

admin("CreatePermissionSet", keep=("set", lambda a: a["PermissionSet"]["PermissionSetArn"]), Name="Admin", SessionDuration="PT8H")
admin("CreatePermissionSet", "the same name", Name="Admin")
admin("CreatePermissionSet", "33 characters", Name="x" * 33)
admin("CreatePermissionSet", "a space", Name="a b")
admin("CreatePermissionSet", "13 hours", Name="Long", SessionDuration="PT13H")
admin("CreatePermissionSet", "an unknown instance", Name="Other", InstanceArn="arn:aws:sso:::instance/ssoins-0000000000000000")
admin("CreatePermissionSet", "another one", keep=("other", lambda a: a["PermissionSet"]["PermissionSetArn"]), Name="Alpha",
      Tags=[{"Key": "a", "Value": "b"}])
a_set = {"PermissionSetArn": of("set")}
no_set = {"PermissionSetArn": lambda side: side.made["set"][:-4] + "0000"}
admin("DescribePermissionSet", **a_set)
admin("DescribePermissionSet", "an unknown one", **no_set)
admin("ListPermissionSets", order=lambda a: a["PermissionSets"])
admin("ListPermissionSets", "101 a page", MaxResults=101)
admin("ListPermissionSets", "one a page", MaxResults=1)
admin("ListPermissionSets", "a foreign token", NextToken="x" * 24)
admin("UpdatePermissionSet", Description="x", **a_set)
admin("UpdatePermissionSet", "an unknown one", Description="x", **no_set)
admin("AttachManagedPolicyToPermissionSet", ManagedPolicyArn=POLICY, **a_set)
admin("AttachManagedPolicyToPermissionSet", "a second time", ManagedPolicyArn=POLICY, **a_set)
admin("AttachManagedPolicyToPermissionSet", "a policy of the account", ManagedPolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/x", **a_set)
admin("AttachManagedPolicyToPermissionSet", "to an unknown set", ManagedPolicyArn=POLICY, **no_set)
admin("ListManagedPoliciesInPermissionSet", **a_set)
admin("PutInlinePolicyToPermissionSet", InlinePolicy='{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}', **a_set)
admin("PutInlinePolicyToPermissionSet", "no JSON", InlinePolicy="x", **a_set)
admin("GetInlinePolicyForPermissionSet", **a_set)
admin("GetInlinePolicyForPermissionSet", "none", PermissionSetArn=of("other"))
mine = {"Name": "mine", "Path": "/"}
admin("AttachCustomerManagedPolicyReferenceToPermissionSet", CustomerManagedPolicyReference=mine, **a_set)
admin("AttachCustomerManagedPolicyReferenceToPermissionSet", "a second time", CustomerManagedPolicyReference=mine, **a_set)
admin("ListCustomerManagedPolicyReferencesInPermissionSet", **a_set)
admin("GetPermissionsBoundaryForPermissionSet", "none", **a_set)
admin("TagResource", ResourceArn=of("set"), Tags=[{"Key": "c", "Value": "d"}])
admin("ListTagsForResource", "of a set", ResourceArn=of("other"))
target = {"TargetId": ACCOUNT, "TargetType": "AWS_ACCOUNT", "PrincipalType": "GROUP", "PrincipalId": of("group")}
admin("CreateAccountAssignment", keep=("request", lambda a: a["AccountAssignmentCreationStatus"]["RequestId"]), **a_set, **target)
admin("DescribeAccountAssignmentCreationStatus", wait=0.5, AccountAssignmentCreationRequestId=of("request"))
admin("CreateAccountAssignment", "a second time", **a_set, **target)
admin("CreateAccountAssignment", "an unknown principal", **a_set, **{**target, "PrincipalId": ABSENT})
admin("CreateAccountAssignment", "an unknown account", **a_set, **{**target, "TargetId": "000000000000"})
admin("CreateAccountAssignment", "an unknown set", **no_set, **target)
admin("DescribeAccountAssignmentCreationStatus", "an unknown request", AccountAssignmentCreationRequestId="00000000-0000-4000-8000-000000000000")
admin("ListAccountAssignmentCreationStatus", wait=0.5, Filter={"Status": "FAILED"})
admin("ListAccountAssignments", AccountId=ACCOUNT, **a_set)
admin("ListAccountAssignmentsForPrincipal", PrincipalId=of("group"), PrincipalType="GROUP")
admin("ListAccountAssignmentsForPrincipal", "a user through a group", PrincipalId=of("ada"), PrincipalType="USER")
admin("ListPermissionSetsProvisionedToAccount", AccountId=ACCOUNT)
admin("ListAccountsForProvisionedPermissionSet", **a_set)
admin("DeletePermissionSet", "while assigned", **a_set)
admin("ProvisionPermissionSet", TargetType="ALL_PROVISIONED_ACCOUNTS", **a_set)
admin("DeleteAccountAssignment", wait=0.5, **a_set, **target)
admin("DeleteAccountAssignment", "a second time", wait=0.5, **a_set, **target)
admin("DetachManagedPolicyFromPermissionSet", ManagedPolicyArn=POLICY, **a_set)
admin("DetachManagedPolicyFromPermissionSet", "a second time", ManagedPolicyArn=POLICY, **a_set)
admin("DeletePermissionSet", "not assigned", PermissionSetArn=of("other"))
admin("DeletePermissionSet", "an unknown one", **no_set)
service(IS, "DeleteUser", UserId=of("ada"))
service(IS, "DeleteUser", "a second time", UserId=of("ada"))
service(IS, "ListGroupMemberships", "after its only member is gone", GroupId=of("group"))
service(IS, "DeleteGroup", GroupId=of("group"))
service("sso-oidc", "RegisterClient", clientName="x", clientType="public")

bucket = {"Bucket": "a-bucket-for-a-trail-9d2f"}
S3, CT = "s3", "cloudtrail"
service(S3, "CreateBucket", **bucket)
service(S3, "CreateBucket", "a second time", **bucket)
service(S3, "CreateBucket", "a bad name", Bucket="A_Bucket")
service(S3, "CreateBucket", "us-east-1 said", Bucket="another-bucket-9d2f", CreateBucketConfiguration={"LocationConstraint": "us-east-1"})
service(S3, "HeadBucket", **bucket)
service(S3, "HeadBucket", "another owner expected", ExpectedBucketOwner="999999999999", **bucket)
service(S3, "HeadBucket", "an unknown one", Bucket="nobody-has-this-9d2f")
service(S3, "GetBucketLocation", **bucket)
service(S3, "GetPublicAccessBlock", "of a new bucket", **bucket)
service(S3, "GetBucketPolicy", "none", **bucket)
service(S3, "PutBucketPolicy", "no JSON", Policy="x", **bucket)
trail = {"Name": "a-trail", "S3BucketName": bucket["Bucket"], "IsMultiRegionTrail": True}
service(CT, "CreateTrail", "without a bucket policy", **trail)
service(CT, "CreateTrail", "a short name", **{**trail, "Name": "ab"})
service(CT, "CreateTrail", "an unknown bucket", **{**trail, "Name": "other", "S3BucketName": "nobody-has-this-9d2f"})
service(CT, "GetTrail", "an unknown one", Name="nobody")
service(CT, "DescribeTrails", "an unknown one", trailNameList=["nobody"])
service(S3, "GetBucketTagging", "none", **bucket)
service(S3, "DeleteBucket", "an unknown one", Bucket="nobody-has-this-9d2f")


def shape(value, at=""):
    """What is in an answer: `Users: 2`, `Users[].UserName`, …"""
    if isinstance(value, dict):
        return set().union(*(shape(item, f"{at}.{key}".strip(".")) for key, item in value.items()), set())
    if isinstance(value, list):
        return {f"{at}: {len(value)}"}.union(*(shape(item, f"{at}[]") for item in value[:1]))
    return {at}


def answer(side, ask, keep, order):
    try:
        given = ask(side)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    except Exception as error:  # What boto3 itself cannot send or read.
        return f"boto3: {type(error).__name__}"
    given.pop("ResponseMetadata", None)
    if keep:
        side.keep(keep[0], keep[1](given))
    told = shape(given)
    if order:
        told.add("in order: " + ", ".join(side.label(value) for value in order(given)))
    return told


def difference(mine, other):
    """A code, or what one answer has and the other has not."""
    if isinstance(mine, str):
        return mine
    if isinstance(other, str):
        return "answers"
    only = sorted(mine - other)
    return "has " + ", ".join(only) if only else "has less"


def prepare(side):
    organizations = side.client(ORG)
    try:
        organizations.create_organization(FeatureSet="ALL")
    except organizations.exceptions.AlreadyInOrganizationException:
        pass
    instance = side.client("sso-admin").list_instances()["Instances"][0]
    side.keep("instance", instance["InstanceArn"])
    side.keep("store", instance["IdentityStoreId"])


sides = [Side(url) for url in sys.argv[1:3]]
for side in sides:
    prepare(side)
rows = []
for name, ask, keep, order, wait in CALLS:
    time.sleep(wait)
    ours, theirs = (answer(side, ask, keep, order) for side in sides)
    if ours != theirs:
        rows.append({"call": name, "rehearsal": difference(ours, theirs), "moto": difference(theirs, ours)})
json.dump({"calls": len(CALLS), "differences": rows}, sys.stdout, indent=1)
