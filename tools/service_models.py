"""Writes crates/idc-sim/src/protocol/service_models.json: what the services' own models say of requests and responses.

    pip install botocore==1.44.8
    python tools/service_models.py > crates/idc-sim/src/protocol/service_models.json

For each operation that the simulation implements: its HTTP line, and the members of the input, the output
and each error, with their lengths, patterns, enumerations and required marks. Documentation is left out.
Java's patterns are rewritten where Rust's `regex` reads them otherwise. For the REST protocols, also the HTTP
lines of all other operations, so that the error for one of them has its name.
"""

import json
import re
import sys

import botocore.session

OPERATIONS = {
    "sso-admin": """CreateInstance DeleteInstance DescribeInstance ListInstances UpdateInstance ListRegions
        CreatePermissionSet DescribePermissionSet ListPermissionSets UpdatePermissionSet DeletePermissionSet
        AttachManagedPolicyToPermissionSet DetachManagedPolicyFromPermissionSet ListManagedPoliciesInPermissionSet
        PutInlinePolicyToPermissionSet GetInlinePolicyForPermissionSet DeleteInlinePolicyFromPermissionSet
        AttachCustomerManagedPolicyReferenceToPermissionSet DetachCustomerManagedPolicyReferenceFromPermissionSet
        ListCustomerManagedPolicyReferencesInPermissionSet
        PutPermissionsBoundaryToPermissionSet GetPermissionsBoundaryForPermissionSet
        DeletePermissionsBoundaryFromPermissionSet
        CreateAccountAssignment DescribeAccountAssignmentCreationStatus ListAccountAssignmentCreationStatus
        DeleteAccountAssignment DescribeAccountAssignmentDeletionStatus ListAccountAssignmentDeletionStatus
        ListAccountAssignments ListAccountAssignmentsForPrincipal ListApplicationAssignmentsForPrincipal
        ProvisionPermissionSet DescribePermissionSetProvisioningStatus ListPermissionSetProvisioningStatus
        ListPermissionSetsProvisionedToAccount ListAccountsForProvisionedPermissionSet
        TagResource UntagResource ListTagsForResource
        DescribeRegion AddRegion RemoveRegion
        CreateInstanceAccessControlAttributeConfiguration DescribeInstanceAccessControlAttributeConfiguration
        UpdateInstanceAccessControlAttributeConfiguration DeleteInstanceAccessControlAttributeConfiguration
        CreateTrustedTokenIssuer DescribeTrustedTokenIssuer ListTrustedTokenIssuers UpdateTrustedTokenIssuer
        DeleteTrustedTokenIssuer
        ListApplicationProviders DescribeApplicationProvider
        CreateApplication DescribeApplication ListApplications UpdateApplication DeleteApplication
        CreateApplicationAssignment DescribeApplicationAssignment DeleteApplicationAssignment ListApplicationAssignments
        GetApplicationAssignmentConfiguration PutApplicationAssignmentConfiguration
        GetApplicationSessionConfiguration PutApplicationSessionConfiguration
        GetApplicationGrant PutApplicationGrant DeleteApplicationGrant ListApplicationGrants
        GetApplicationAccessScope PutApplicationAccessScope DeleteApplicationAccessScope ListApplicationAccessScopes
        GetApplicationAuthenticationMethod PutApplicationAuthenticationMethod DeleteApplicationAuthenticationMethod
        ListApplicationAuthenticationMethods""",
    "identitystore": """ListIdentityStores CreateUser DescribeUser UpdateUser DeleteUser ListUsers GetUserId
        CreateGroup DescribeGroup UpdateGroup DeleteGroup ListGroups GetGroupId
        CreateGroupMembership DescribeGroupMembership DeleteGroupMembership GetGroupMembershipId
        ListGroupMemberships ListGroupMembershipsForMember IsMemberInGroups""",
    "organizations": """CreateOrganization DescribeOrganization DeleteOrganization ListAccounts DescribeAccount CreateAccount
        CloseAccount RemoveAccountFromOrganization DescribeCreateAccountStatus ListCreateAccountStatus
        ListHandshakesForAccount ListHandshakesForOrganization
        ListAWSServiceAccessForOrganization EnableAWSServiceAccess DisableAWSServiceAccess
        ListDelegatedAdministrators ListDelegatedServicesForAccount
        RegisterDelegatedAdministrator DeregisterDelegatedAdministrator
        CreatePolicy DescribePolicy UpdatePolicy DeletePolicy ListPolicies AttachPolicy DetachPolicy ListPoliciesForTarget
        ListTargetsForPolicy EnablePolicyType DisablePolicyType
        ListRoots CreateOrganizationalUnit DescribeOrganizationalUnit UpdateOrganizationalUnit
        DeleteOrganizationalUnit ListOrganizationalUnitsForParent ListAccountsForParent
        ListChildren ListParents MoveAccount ListTagsForResource TagResource UntagResource""",
    "sso-oidc": "RegisterClient StartDeviceAuthorization CreateToken",
    "sso": "ListAccounts ListAccountRoles GetRoleCredentials Logout",
    "freetier": "GetAccountPlanState",
    "eks": "DescribeCluster CreateCapability DescribeCapability ListCapabilities DeleteCapability",
    "sts": "GetCallerIdentity AssumeRole GetSessionToken",
    "iam": """GetAccountSummary GetRole ListRoles GetUser GetPolicy ListPolicies ListAttachedRolePolicies ListSAMLProviders
        SimulatePrincipalPolicy""",
    "cloudtrail": """CreateTrail DescribeTrails GetTrail ListTrails DeleteTrail StartLogging StopLogging GetTrailStatus
        GetEventSelectors PutEventSelectors UpdateTrail ListTags LookupEvents""",
    "s3": """CreateBucket HeadBucket DeleteBucket ListObjects ListObjectsV2 GetBucketLocation PutPublicAccessBlock GetPublicAccessBlock
        PutBucketPolicy GetBucketPolicy DeleteBucketPolicy PutBucketTagging GetBucketTagging
        ListBuckets GetBucketAcl GetBucketVersioning PutBucketVersioning GetBucketEncryption PutBucketEncryption
        GetBucketOwnershipControls PutBucketOwnershipControls GetBucketLogging GetBucketRequestPayment
        GetBucketAccelerateConfiguration GetBucketCors GetBucketWebsite GetBucketLifecycleConfiguration
        GetBucketReplication GetObjectLockConfiguration""",
    "signin": "CreateOAuth2Token",
}

SHORTHAND = {r"\w": "0-9A-Za-z_", r"\d": "0-9"}


def rust_pattern(java):
    """Java's \\w and \\d are ASCII, Rust's are not; Rust has no look-ahead."""
    pattern = re.sub(r"\(\?=[^()]*\)", "", java)
    pattern = pattern.strip("^$") if pattern.startswith("^") else pattern
    out, inside, i = [], False, 0
    while i < len(pattern):
        pair = pattern[i : i + 2]
        if pair in SHORTHAND:
            out.append(SHORTHAND[pair] if inside else f"[{SHORTHAND[pair]}]")
            i += 2
        elif pattern[i] == "\\":
            out.append(pair)
            i += 2
        else:
            inside = pattern[i] == "[" or (inside and pattern[i] != "]")
            out.append(pattern[i])
            i += 1
    return "".join(out)


def describe(shape, shapes):
    """Adds the shape, and all it holds, to `shapes`; answers its name."""
    if shape.name in shapes:
        return shape.name
    row = {"type": shape.type_name}
    shapes[shape.name] = row
    for key in ("min", "max", "pattern", "document", "sensitive"):
        if key in shape.metadata:
            value = shape.metadata[key]
            row[key] = rust_pattern(value) if key == "pattern" else value
    if getattr(shape, "enum", None):
        row["enum"] = shape.enum
    if shape.type_name == "structure":
        required = set(shape.required_members)
        row["members"] = {
            name: {
                "shape": describe(member, shapes),
                **({"required": True} if name in required else {}),
                **({"in": member.serialization["location"]} if "location" in member.serialization else {}),
                **({"as": member.serialization["name"]} if "name" in member.serialization else {}),
                **({"flat": True} if member.serialization.get("flattened") else {}),
                **({"attribute": True} if member.serialization.get("xmlAttribute") else {}),
            }
            for name, member in shape.members.items()
        }
    elif shape.type_name == "list":
        row["member"] = describe(shape.member, shapes)
        if "name" in shape.member.serialization:
            row["member_name"] = shape.member.serialization["name"]
        if shape.serialization.get("flattened"):
            row["flat"] = True
    elif shape.type_name == "map":
        row["key"], row["value"] = describe(shape.key, shapes), describe(shape.value, shapes)
    return shape.name


def main():
    session = botocore.session.get_session()
    services = {}
    for name, operations in OPERATIONS.items():
        model = session.get_service_model(name)
        shapes, rows = {}, {}
        for operation in operations.split():
            op = model.operation_model(operation)
            rows[operation] = {
                "method": op.http["method"],
                "path": op.http["requestUri"],
                "input": describe(op.input_shape, shapes) if op.input_shape else None,
                "output": describe(op.output_shape, shapes) if op.output_shape else None,
                "output_payload": op.output_shape.serialization.get("payload") if op.output_shape else None,
                "status": op.http.get("responseCode", 200),
                "payload": op.input_shape.serialization.get("payload") if op.input_shape else None,
                "errors": {
                    error.metadata.get("error", {}).get("code", error.name): {
                        "shape": describe(error, shapes),
                        "status": error.metadata.get("error", {}).get("httpStatusCode", 400),
                    }
                    for error in op.error_shapes
                },
            }
        others = {}
        if model.metadata["protocol"].startswith("rest"):
            for operation in model.operation_names:
                if operation not in rows:
                    op = model.operation_model(operation)
                    members = op.input_shape.members if op.input_shape else {}
                    query = [
                        members[name].serialization["name"]
                        for name in (op.input_shape.required_members if op.input_shape else [])
                        if members[name].serialization.get("location") == "querystring"
                    ]
                    path = op.http["requestUri"]
                    others[operation] = [op.http["method"], path + ("&" if "?" in path else "?") * bool(query) + "&".join(query)]
        services[name] = {
            "target": model.metadata.get("targetPrefix"),
            "json_version": model.metadata.get("jsonVersion"),
            "protocol": model.metadata["protocol"],
            "version": model.metadata["apiVersion"],
            "namespace": model.metadata.get("xmlNamespace"),
            "signing_name": model.metadata.get("signingName", model.metadata["endpointPrefix"]),
            "operations": rows,
            "others": others,
            "shapes": shapes,
        }
    json.dump(services, sys.stdout, indent=1, sort_keys=True, ensure_ascii=True)
    print()


main()
