// Everyday operations of the AWS SDK for JavaScript v3 against idc-sim. The script `javascript` starts the server and sets
// the environment. Each step checks what the SDK returns. Prints a table.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import * as cloudtrail from "@aws-sdk/client-cloudtrail";
import * as iam from "@aws-sdk/client-iam";
import * as identitystore from "@aws-sdk/client-identitystore";
import * as organizations from "@aws-sdk/client-organizations";
import * as s3 from "@aws-sdk/client-s3";
import * as sso from "@aws-sdk/client-sso";
import * as ssoAdmin from "@aws-sdk/client-sso-admin";
import * as ssoOidc from "@aws-sdk/client-sso-oidc";
import * as sts from "@aws-sdk/client-sts";
import { fromIni, fromSSO, fromTemporaryCredentials } from "@aws-sdk/credential-providers";

const home = process.env.HOME;
const region = process.env.AWS_REGION;
let failures = 0;
let count = 0;

function row(name, result, time) {
  console.log(`| ${name.padEnd(74)} | ${result.padEnd(6)} | ${time.padStart(7)} |`);
}

// Runs one step, and prints whether it succeeded and how long it took.
async function step(name, run) {
  const began = performance.now();
  let failure;
  try {
    await run();
  } catch (error) {
    failure = error;
  }
  count += 1;
  row(name, failure ? "FAILED" : "ok", `${Math.round(performance.now() - began)} ms`);
  if (failure) {
    failures += 1;
    console.error(`${name}: ${failure.stack ?? failure}`);
  }
}

// Requires that a call fails with this class of error, and returns the error.
async function fails(call, kind) {
  const error = await call.then(
    () => assert.fail(`expected ${kind.name}, but the call succeeded`),
    (error) => error,
  );
  assert.ok(error instanceof kind, `expected ${kind.name}, not ${error.stack}`);
  return error;
}

// Returns the pages of a paginator, each as the items under this key.
async function pages(paginator, key) {
  const all = [];
  for await (const page of paginator) all.push(page[key] ?? []);
  return all;
}

// Repeats a call until its result is not in progress, and requires that it has succeeded.
async function settled(read) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const { state, reason } = await read();
    if (state !== "IN_PROGRESS") {
      assert.equal(state, "SUCCEEDED", reason);
      return;
    }
    assert.ok(Date.now() < deadline, "still in progress after 20 s");
    await sleep(100);
  }
}

// The SDK reads the configuration file once, when the first client is created. The profile must exist before that.
const state = await (await fetch(`${process.env.AWS_ENDPOINT_URL}/_sim/state`)).json();
const account = state.account.id;
const startUrl = `https://${state.instances[0].store.id}.awsapps.com/start`;
const profile = "admin";
const session = "work";
const cacheFolder = join(home, ".aws", "sso", "cache");
mkdirSync(cacheFolder, { recursive: true });
writeFileSync(
  join(home, ".aws", "config"),
  `[profile ${profile}]
sso_session = ${session}
sso_account_id = ${account}
sso_role_name = Admin
region = ${region}
[sso-session ${session}]
sso_start_url = ${startUrl}
sso_region = ${region}
sso_registration_scopes = sso:account:access
`,
);

const admin = new ssoAdmin.SSOAdminClient();
const store = new identitystore.IdentitystoreClient();
const org = new organizations.OrganizationsClient();
const roles = new iam.IAMClient();
const buckets = new s3.S3Client();
const trails = new cloudtrail.CloudTrailClient();
const oidc = new ssoOidc.SSOOIDCClient();
const portal = new sso.SSOClient();

row("operation", "result", "time");
console.log("|---|---|---|");

// --- The account and its Identity Center ---
let instance;
await step("sts GetCallerIdentity", async () => {
  const identity = await new sts.STSClient().send(new sts.GetCallerIdentityCommand());
  assert.equal(identity.Account, account);
  assert.equal(identity.Arn, `arn:aws:iam::${account}:root`);
});
await step("sts GetCallerIdentity with an unknown access key", async () => {
  const stranger = new sts.STSClient({ credentials: { accessKeyId: "AKIAUNKNOWN", secretAccessKey: "x" } });
  const error = await fails(stranger.send(new sts.GetCallerIdentityCommand()), sts.STSServiceException);
  assert.equal(error.name, "InvalidClientTokenId");
  assert.equal(error.$metadata.httpStatusCode, 403);
});
await step("sso-admin ListInstances, paginator", async () => {
  const [[found]] = await pages(ssoAdmin.paginateListInstances({ client: admin }, {}), "Instances");
  assert.equal(found.Status, "ACTIVE");
  assert.ok(found.CreatedDate instanceof Date);
  instance = { InstanceArn: found.InstanceArn, IdentityStoreId: found.IdentityStoreId };
});
const InstanceArn = instance?.InstanceArn;
const IdentityStoreId = instance?.IdentityStoreId;
await step("sso-admin DescribeInstance", async () => {
  const found = await admin.send(new ssoAdmin.DescribeInstanceCommand({ InstanceArn }));
  assert.equal(found.IdentityStoreId, IdentityStoreId);
  assert.equal(found.OwnerAccountId, account);
});

// --- Users and groups ---
const userIds = [];
const newUser = (UserName) => ({
  IdentityStoreId,
  UserName,
  DisplayName: `${UserName} Example`,
  Name: { GivenName: UserName, FamilyName: "Example" },
  Emails: [{ Value: `${UserName}@example.com`, Type: "work", Primary: true }],
});
await step("identitystore CreateUser, 3 users", async () => {
  for (const name of ["bea", "cem", "ada"]) {
    const created = await store.send(new identitystore.CreateUserCommand(newUser(name)));
    userIds.push(created.UserId);
  }
  assert.equal(new Set(userIds).size, 3);
});
await step("identitystore CreateUser again: ConflictException", async () => {
  const again = store.send(new identitystore.CreateUserCommand(newUser("ada")));
  const error = await fails(again, identitystore.ConflictException);
  assert.equal(error.Reason, "UNIQUENESS_CONSTRAINT_VIOLATION");
  assert.ok(error.RequestId, "RequestId");
});
await step("identitystore CreateUser, name too long: ValidationException", async () => {
  const invalid = store.send(new identitystore.CreateUserCommand(newUser("x".repeat(200))));
  await fails(invalid, identitystore.ValidationException);
});
await step("identitystore DescribeUser", async () => {
  const user = await store.send(new identitystore.DescribeUserCommand({ IdentityStoreId, UserId: userIds[2] }));
  assert.equal(user.UserName, "ada");
  assert.equal(user.Emails[0].Value, "ada@example.com");
});
await step("identitystore DescribeUser: ResourceNotFoundException", async () => {
  const UserId = "00000000-0000-4000-8000-000000000000";
  const missing = store.send(new identitystore.DescribeUserCommand({ IdentityStoreId, UserId }));
  const error = await fails(missing, identitystore.ResourceNotFoundException);
  assert.equal(error.ResourceType, "USER");
});
await step("identitystore GetUserId by name", async () => {
  const AlternateIdentifier = { UniqueAttribute: { AttributePath: "userName", AttributeValue: "ada" } };
  const found = await store.send(new identitystore.GetUserIdCommand({ IdentityStoreId, AlternateIdentifier }));
  assert.equal(found.UserId, userIds[2]);
});
await step("identitystore UpdateUser", async () => {
  const Operations = [{ AttributePath: "title", AttributeValue: "Engineer" }];
  await store.send(new identitystore.UpdateUserCommand({ IdentityStoreId, UserId: userIds[2], Operations }));
  const user = await store.send(new identitystore.DescribeUserCommand({ IdentityStoreId, UserId: userIds[2] }));
  assert.equal(user.Title, "Engineer");
});
await step("identitystore ListUsers, paginator with 2 pages", async () => {
  const found = await pages(identitystore.paginateListUsers({ client: store, pageSize: 2 }, { IdentityStoreId }), "Users");
  assert.deepEqual(found.map((page) => page.length), [2, 1]);
});
let GroupId;
await step("identitystore CreateGroup", async () => {
  const group = { IdentityStoreId, DisplayName: "admins", Description: "They may do everything." };
  ({ GroupId } = await store.send(new identitystore.CreateGroupCommand(group)));
});
await step("identitystore GetGroupId, retried after a closed connection", async () => {
  const AlternateIdentifier = { UniqueAttribute: { AttributePath: "displayName", AttributeValue: "admins" } };
  const found = await store.send(new identitystore.GetGroupIdCommand({ IdentityStoreId, AlternateIdentifier }));
  assert.equal(found.GroupId, GroupId);
  assert.equal(found.$metadata.attempts, 2);
});
await step("identitystore DescribeGroup, retried after HTTP 503", async () => {
  const group = await store.send(new identitystore.DescribeGroupCommand({ IdentityStoreId, GroupId }));
  assert.equal(group.DisplayName, "admins");
  assert.equal(group.$metadata.attempts, 2);
});
await step("identitystore CreateGroupMembership", async () => {
  for (const UserId of userIds) {
    const membership = { IdentityStoreId, GroupId, MemberId: { UserId } };
    await store.send(new identitystore.CreateGroupMembershipCommand(membership));
  }
});
await step("identitystore ListGroupMemberships, paginator", async () => {
  const paginator = identitystore.paginateListGroupMemberships({ client: store, pageSize: 1 }, { IdentityStoreId, GroupId });
  const found = (await pages(paginator, "GroupMemberships")).flat();
  assert.deepEqual(new Set(found.map((membership) => membership.MemberId.UserId)), new Set(userIds));
});
await step("identitystore IsMemberInGroups", async () => {
  const question = { IdentityStoreId, MemberId: { UserId: userIds[0] }, GroupIds: [GroupId] };
  const { Results } = await store.send(new identitystore.IsMemberInGroupsCommand(question));
  assert.equal(Results[0].MembershipExists, true);
});

// --- Permission sets and assignments ---
let PermissionSetArn;
const policy = "arn:aws:iam::aws:policy/AdministratorAccess";
const inline = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", Action: "s3:DeleteBucket", Resource: "*" }],
});
await step("sso-admin CreatePermissionSet", async () => {
  const set = { InstanceArn, Name: "Admin", SessionDuration: "PT8H", Tags: [{ Key: "team", Value: "platform" }] };
  const { PermissionSet } = await admin.send(new ssoAdmin.CreatePermissionSetCommand(set));
  PermissionSetArn = PermissionSet.PermissionSetArn;
  assert.equal(PermissionSet.SessionDuration, "PT8H");
});
const set = () => ({ InstanceArn, PermissionSetArn });
await step("sso-admin CreatePermissionSet again: ConflictException", async () => {
  const again = admin.send(new ssoAdmin.CreatePermissionSetCommand({ InstanceArn, Name: "Admin" }));
  await fails(again, ssoAdmin.ConflictException);
});
await step("sso-admin ListPermissionSets, paginator with 2 pages", async () => {
  await admin.send(new ssoAdmin.CreatePermissionSetCommand({ InstanceArn, Name: "ReadOnly" }));
  const paginator = ssoAdmin.paginateListPermissionSets({ client: admin, pageSize: 1 }, { InstanceArn });
  const found = await pages(paginator, "PermissionSets");
  assert.deepEqual(found.map((page) => page.length), [1, 1]);
});
await step("sso-admin UpdatePermissionSet, DescribePermissionSet", async () => {
  // UpdatePermissionSet replaces all settings. One that is not sent is reset.
  const settings = { Description: "everything", SessionDuration: "PT8H" };
  await admin.send(new ssoAdmin.UpdatePermissionSetCommand({ ...set(), ...settings }));
  const { PermissionSet } = await admin.send(new ssoAdmin.DescribePermissionSetCommand(set()));
  assert.equal(PermissionSet.Description, "everything");
});
await step("sso-admin AttachManagedPolicyToPermissionSet, ListManagedPolicies", async () => {
  await admin.send(new ssoAdmin.AttachManagedPolicyToPermissionSetCommand({ ...set(), ManagedPolicyArn: policy }));
  const paginator = ssoAdmin.paginateListManagedPoliciesInPermissionSet({ client: admin }, set());
  const found = (await pages(paginator, "AttachedManagedPolicies")).flat();
  assert.deepEqual(found, [{ Name: "AdministratorAccess", Arn: policy }]);
});
await step("sso-admin PutInlinePolicy, GetInlinePolicy", async () => {
  await admin.send(new ssoAdmin.PutInlinePolicyToPermissionSetCommand({ ...set(), InlinePolicy: inline }));
  const { InlinePolicy } = await admin.send(new ssoAdmin.GetInlinePolicyForPermissionSetCommand(set()));
  assert.deepEqual(JSON.parse(InlinePolicy), JSON.parse(inline));
});
await step("sso-admin DeleteInlinePolicy: AccessDeniedException, injected", async () => {
  const denied = admin.send(new ssoAdmin.DeleteInlinePolicyFromPermissionSetCommand(set()));
  const error = await fails(denied, ssoAdmin.AccessDeniedException);
  assert.equal(error.message, "denied by the faults file");
});
await step("sso-admin TagResource, ListTagsForResource, retried after a throttle", async () => {
  const Tags = [{ Key: "owner", Value: "ada" }];
  await admin.send(new ssoAdmin.TagResourceCommand({ InstanceArn, ResourceArn: PermissionSetArn, Tags }));
  const question = { InstanceArn, ResourceArn: PermissionSetArn };
  const found = await admin.send(new ssoAdmin.ListTagsForResourceCommand(question));
  assert.deepEqual(new Set(found.Tags.map((tag) => tag.Key)), new Set(["team", "owner"]));
  assert.equal(found.$metadata.attempts, 2);
});
const assignment = () => ({
  ...set(),
  TargetId: account,
  TargetType: "AWS_ACCOUNT",
  PrincipalType: "GROUP",
  PrincipalId: GroupId,
});
await step("sso-admin CreateAccountAssignment until SUCCEEDED", async () => {
  const started = await admin.send(new ssoAdmin.CreateAccountAssignmentCommand(assignment()));
  const AccountAssignmentCreationRequestId = started.AccountAssignmentCreationStatus.RequestId;
  const question = { InstanceArn, AccountAssignmentCreationRequestId };
  await settled(async () => {
    const read = new ssoAdmin.DescribeAccountAssignmentCreationStatusCommand(question);
    const { Status: state, FailureReason: reason } = (await admin.send(read)).AccountAssignmentCreationStatus;
    return { state, reason };
  });
});
await step("sso-admin ListAccountAssignments, paginator", async () => {
  const paginator = ssoAdmin.paginateListAccountAssignments({ client: admin }, { ...set(), AccountId: account });
  const found = (await pages(paginator, "AccountAssignments")).flat();
  assert.deepEqual(found.map((one) => one.PrincipalId), [GroupId]);
});
await step("sso-admin ListAccountAssignmentsForPrincipal, paginator", async () => {
  const principal = { InstanceArn, PrincipalId: userIds[2], PrincipalType: "USER" };
  const paginator = ssoAdmin.paginateListAccountAssignmentsForPrincipal({ client: admin }, principal);
  const found = (await pages(paginator, "AccountAssignments")).flat();
  assert.deepEqual(found.map((one) => one.PrincipalType), ["GROUP"]);
});
await step("sso-admin ListPermissionSetsProvisionedToAccount, paginator", async () => {
  const target = { InstanceArn, AccountId: account };
  const paginator = ssoAdmin.paginateListPermissionSetsProvisionedToAccount({ client: admin }, target);
  assert.deepEqual((await pages(paginator, "PermissionSets")).flat(), [PermissionSetArn]);
});
await step("sso-admin ProvisionPermissionSet until SUCCEEDED", async () => {
  const target = { ...set(), TargetType: "ALL_PROVISIONED_ACCOUNTS" };
  const started = await admin.send(new ssoAdmin.ProvisionPermissionSetCommand(target));
  const question = { InstanceArn, ProvisionPermissionSetRequestId: started.PermissionSetProvisioningStatus.RequestId };
  await settled(async () => {
    const read = new ssoAdmin.DescribePermissionSetProvisioningStatusCommand(question);
    const { Status: state, FailureReason: reason } = (await admin.send(read)).PermissionSetProvisioningStatus;
    return { state, reason };
  });
});
await step("sso-admin DeletePermissionSet while assigned: ConflictException", async () => {
  await fails(admin.send(new ssoAdmin.DeletePermissionSetCommand(set())), ssoAdmin.ConflictException);
});
let roleName;
await step("iam ListRoles, paginator: the role of the permission set", async () => {
  const paginator = iam.paginateListRoles({ client: roles }, { PathPrefix: "/aws-reserved/sso.amazonaws.com/" });
  const found = (await pages(paginator, "Roles")).flat();
  roleName = found.find((role) => role.RoleName.startsWith("AWSReservedSSO_Admin_"))?.RoleName;
  assert.ok(roleName, JSON.stringify(found));
});
await step("iam GetRole, ListAttachedRolePolicies", async () => {
  const { Role } = await roles.send(new iam.GetRoleCommand({ RoleName: roleName }));
  assert.match(decodeURIComponent(Role.AssumeRolePolicyDocument), /sts:AssumeRoleWithSAML/);
  const found = await roles.send(new iam.ListAttachedRolePoliciesCommand({ RoleName: roleName }));
  assert.deepEqual(found.AttachedPolicies.map((one) => one.PolicyArn), [policy]);
});
await step("iam GetRole: NoSuchEntityException", async () => {
  await fails(roles.send(new iam.GetRoleCommand({ RoleName: "nothing" })), iam.NoSuchEntityException);
});

// --- The organization ---
let root;
let member;
await step("organizations DescribeOrganization, ListRoots", async () => {
  const { Organization } = await org.send(new organizations.DescribeOrganizationCommand());
  assert.equal(Organization.MasterAccountId, account);
  [[root]] = await pages(organizations.paginateListRoots({ client: org }, {}), "Roots");
  assert.match(root.Id, /^r-/);
});
await step("organizations CreateAccount until SUCCEEDED", async () => {
  const request = { AccountName: "Sandbox", Email: "sandbox@example.com" };
  const { CreateAccountStatus: started } = await org.send(new organizations.CreateAccountCommand(request));
  await settled(async () => {
    const read = new organizations.DescribeCreateAccountStatusCommand({ CreateAccountRequestId: started.Id });
    const { CreateAccountStatus: found } = await org.send(read);
    member = found.AccountId;
    return { state: found.State, reason: found.FailureReason };
  });
});
await step("organizations ListAccounts, paginator with 2 pages", async () => {
  const found = await pages(organizations.paginateListAccounts({ client: org, pageSize: 1 }, {}), "Accounts");
  assert.deepEqual(new Set(found.flat().map((one) => one.Id)), new Set([account, member]));
});
await step("organizations DescribeAccount: AccountNotFoundException", async () => {
  const missing = org.send(new organizations.DescribeAccountCommand({ AccountId: "999999999999" }));
  await fails(missing, organizations.AccountNotFoundException);
});
await step("organizations CreateOrganizationalUnit, MoveAccount", async () => {
  const unit = { ParentId: root.Id, Name: "Workloads" };
  const { OrganizationalUnit } = await org.send(new organizations.CreateOrganizationalUnitCommand(unit));
  const move = { AccountId: member, SourceParentId: root.Id, DestinationParentId: OrganizationalUnit.Id };
  await org.send(new organizations.MoveAccountCommand(move));
  const parent = { ParentId: OrganizationalUnit.Id };
  const found = await pages(organizations.paginateListAccountsForParent({ client: org }, parent), "Accounts");
  assert.deepEqual(found.flat().map((one) => one.Id), [member]);
});

// --- A sign-in to the access portal, and the SSO profile that uses its token ---
const cache = join(cacheFolder, `${createHash("sha1").update(session).digest("hex")}.json`);
let client;
let token;
await step("sso-oidc RegisterClient", async () => {
  const registration = { clientName: "everyday", clientType: "public", scopes: ["sso:account:access"] };
  client = await oidc.send(new ssoOidc.RegisterClientCommand(registration));
  assert.ok(client.clientSecretExpiresAt > Date.now() / 1000);
});
const credentialsOfClient = () => ({ clientId: client.clientId, clientSecret: client.clientSecret });
await step("sso-oidc StartDeviceAuthorization, unknown portal: InvalidRequestException", async () => {
  const request = { ...credentialsOfClient(), startUrl: "https://d-0000000000.awsapps.com/start" };
  const refused = oidc.send(new ssoOidc.StartDeviceAuthorizationCommand(request));
  const error = await fails(refused, ssoOidc.InvalidRequestException);
  assert.equal(error.error, "invalid_request");
});
await step("sso-oidc CreateToken until the sign-in is approved", async () => {
  const request = { ...credentialsOfClient(), startUrl };
  const device = await oidc.send(new ssoOidc.StartDeviceAuthorizationCommand(request));
  const grant = { grantType: "urn:ietf:params:oauth:grant-type:device_code", deviceCode: device.deviceCode };
  const createToken = () => oidc.send(new ssoOidc.CreateTokenCommand({ ...credentialsOfClient(), ...grant }));
  await fails(createToken(), ssoOidc.AuthorizationPendingException);
  for (let poll = 0; poll < 10 && !token; poll += 1) {
    await sleep(device.interval * 1000);
    token = await createToken().catch((error) => {
      if (error instanceof ssoOidc.AuthorizationPendingException) return undefined;
      throw error;
    });
  }
  assert.equal(token?.tokenType, "Bearer");
});
// Writes the token cache in the format that the AWS tools share.
function writeCache(expiresAt) {
  const cached = {
    startUrl,
    region,
    accessToken: token.accessToken,
    expiresAt: expiresAt.toISOString(),
    ...credentialsOfClient(),
    registrationExpiresAt: new Date(client.clientSecretExpiresAt * 1000).toISOString(),
    refreshToken: token.refreshToken,
  };
  writeFileSync(cache, JSON.stringify(cached), { mode: 0o600 });
}
await step("credential-providers fromSSO: the token of the sign-in", async () => {
  writeCache(new Date(Date.now() + token.expiresIn * 1000));
  const caller = new sts.STSClient({ credentials: fromSSO({ profile }) });
  const { Arn } = await caller.send(new sts.GetCallerIdentityCommand());
  assert.equal(Arn, `arn:aws:sts::${account}:assumed-role/${roleName}/ada`);
});
await step("credential-providers fromSSO: the SDK renews an expired token", async () => {
  writeCache(new Date(Date.now() - 60_000));
  const caller = new sts.STSClient({ credentials: fromSSO({ profile }) });
  const { Arn } = await caller.send(new sts.GetCallerIdentityCommand());
  assert.match(Arn, /\/ada$/);
  const renewed = JSON.parse(readFileSync(cache, "utf8"));
  assert.notEqual(renewed.accessToken, token.accessToken);
  assert.ok(new Date(renewed.expiresAt) > new Date());
  token = { ...token, accessToken: renewed.accessToken, refreshToken: renewed.refreshToken };
});
await step("credential-providers fromIni", async () => {
  const { Arn } = await new sts.STSClient({ credentials: fromIni({ profile }) }).send(new sts.GetCallerIdentityCommand());
  assert.match(Arn, /\/ada$/);
});
await step("the default credentials, with AWS_PROFILE", async () => {
  const { AWS_ACCESS_KEY_ID } = process.env;
  delete process.env.AWS_ACCESS_KEY_ID;
  process.env.AWS_PROFILE = profile;
  try {
    const { Arn } = await new sts.STSClient().send(new sts.GetCallerIdentityCommand());
    assert.match(Arn, /\/ada$/);
  } finally {
    delete process.env.AWS_PROFILE;
    process.env.AWS_ACCESS_KEY_ID = AWS_ACCESS_KEY_ID;
  }
});
await step("credential-providers fromTemporaryCredentials: a role in the new account", async () => {
  const params = { RoleArn: `arn:aws:iam::${member}:role/OrganizationAccountAccessRole`, RoleSessionName: "everyday" };
  const credentials = fromTemporaryCredentials({ masterCredentials: fromSSO({ profile }), params });
  const { Arn } = await new sts.STSClient({ credentials }).send(new sts.GetCallerIdentityCommand());
  assert.equal(Arn, `arn:aws:sts::${member}:assumed-role/OrganizationAccountAccessRole/everyday`);
});
await step("sso-oidc CreateToken, used refresh token: InvalidGrantException", async () => {
  const request = { ...credentialsOfClient(), grantType: "refresh_token", refreshToken: "used" };
  await fails(oidc.send(new ssoOidc.CreateTokenCommand(request)), ssoOidc.InvalidGrantException);
});
await step("sso ListAccounts, ListAccountRoles, paginators", async () => {
  const { accessToken } = token;
  const accounts = (await pages(sso.paginateListAccounts({ client: portal }, { accessToken }), "accountList")).flat();
  assert.deepEqual(accounts.map((one) => one.accountId), [account]);
  const question = { accessToken, accountId: account };
  const found = (await pages(sso.paginateListAccountRoles({ client: portal }, question), "roleList")).flat();
  assert.deepEqual(found.map((one) => one.roleName), ["Admin"]);
});
await step("sso GetRoleCredentials", async () => {
  const request = { accessToken: token.accessToken, accountId: account, roleName: "Admin" };
  const { roleCredentials } = await portal.send(new sso.GetRoleCredentialsCommand(request));
  const hours = (roleCredentials.expiration - Date.now()) / 3_600_000;
  assert.ok(hours > 7.9 && hours <= 8, `${hours} hours`);
});
await step("sso Logout, then ListAccounts: UnauthorizedException", async () => {
  const { accessToken } = token;
  await portal.send(new sso.LogoutCommand({ accessToken }));
  await fails(portal.send(new sso.ListAccountsCommand({ accessToken })), sso.UnauthorizedException);
});

// --- A trail ---
const Bucket = `trail-${account}`;
const Name = "management-events";
await step("s3 HeadBucket: NotFound", async () => {
  const error = await fails(buckets.send(new s3.HeadBucketCommand({ Bucket })), s3.NotFound);
  assert.equal(error.$metadata.httpStatusCode, 404);
});
await step("s3 CreateBucket, waiter, ListBuckets paginator", async () => {
  await buckets.send(new s3.CreateBucketCommand({ Bucket }));
  await s3.waitUntilBucketExists({ client: buckets, minDelay: 1, maxWaitTime: 5 }, { Bucket });
  const found = (await pages(s3.paginateListBuckets({ client: buckets }, {}), "Buckets")).flat();
  assert.deepEqual(found.map((one) => one.Name), [Bucket]);
});
await step("s3 PutPublicAccessBlock, GetPublicAccessBlock", async () => {
  const blocked = {
    BlockPublicAcls: true,
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  };
  await buckets.send(new s3.PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: blocked }));
  const found = await buckets.send(new s3.GetPublicAccessBlockCommand({ Bucket }));
  assert.deepEqual(found.PublicAccessBlockConfiguration, blocked);
});
await step("cloudtrail CreateTrail: InsufficientS3BucketPolicyException", async () => {
  const refused = trails.send(new cloudtrail.CreateTrailCommand({ Name, S3BucketName: Bucket }));
  await fails(refused, cloudtrail.InsufficientS3BucketPolicyException);
});
await step("s3 PutBucketPolicy, GetBucketPolicy", async () => {
  const Principal = { Service: "cloudtrail.amazonaws.com" };
  const Policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Principal, Action: "s3:GetBucketAcl", Resource: `arn:aws:s3:::${Bucket}` },
      {
        Effect: "Allow",
        Principal,
        Action: "s3:PutObject",
        Resource: `arn:aws:s3:::${Bucket}/AWSLogs/${account}/*`,
        Condition: { StringEquals: { "s3:x-amz-acl": "bucket-owner-full-control" } },
      },
    ],
  });
  await buckets.send(new s3.PutBucketPolicyCommand({ Bucket, Policy }));
  const found = await buckets.send(new s3.GetBucketPolicyCommand({ Bucket }));
  assert.deepEqual(JSON.parse(found.Policy), JSON.parse(Policy));
});
await step("cloudtrail CreateTrail, StartLogging, GetTrailStatus", async () => {
  const trail = { Name, S3BucketName: Bucket, IsMultiRegionTrail: true, EnableLogFileValidation: true };
  const { TrailARN } = await trails.send(new cloudtrail.CreateTrailCommand(trail));
  await trails.send(new cloudtrail.StartLoggingCommand({ Name: TrailARN }));
  const status = await trails.send(new cloudtrail.GetTrailStatusCommand({ Name: TrailARN }));
  assert.equal(status.IsLogging, true);
  assert.ok(status.StartLoggingTime instanceof Date);
});
await step("cloudtrail ListTrails, LookupEvents, paginators", async () => {
  const found = (await pages(cloudtrail.paginateListTrails({ client: trails }, {}), "Trails")).flat();
  assert.deepEqual(found.map((one) => one.Name), [Name]);
  assert.deepEqual((await pages(cloudtrail.paginateLookupEvents({ client: trails }, {}), "Events")).flat(), []);
});
await step("cloudtrail GetTrail: TrailNotFoundException", async () => {
  const missing = trails.send(new cloudtrail.GetTrailCommand({ Name: "nothing" }));
  await fails(missing, cloudtrail.TrailNotFoundException);
});
await step("what is not simulated: HTTP 501 with the operation's name", async () => {
  const error = await fails(roles.send(new iam.CreateUserCommand({ UserName: "ada" })), iam.IAMServiceException);
  assert.equal(error.$metadata.httpStatusCode, 501);
  assert.match(error.message, /CreateUser/);
});

// --- Removal of everything ---
await step("cloudtrail DeleteTrail", async () => {
  await trails.send(new cloudtrail.DeleteTrailCommand({ Name }));
});
await step("sso-admin DeleteAccountAssignment until SUCCEEDED", async () => {
  const started = await admin.send(new ssoAdmin.DeleteAccountAssignmentCommand(assignment()));
  const AccountAssignmentDeletionRequestId = started.AccountAssignmentDeletionStatus.RequestId;
  const question = { InstanceArn, AccountAssignmentDeletionRequestId };
  await settled(async () => {
    const read = new ssoAdmin.DescribeAccountAssignmentDeletionStatusCommand(question);
    const { Status: state, FailureReason: reason } = (await admin.send(read)).AccountAssignmentDeletionStatus;
    return { state, reason };
  });
});
await step("sso-admin DeletePermissionSet", async () => {
  await admin.send(new ssoAdmin.DeletePermissionSetCommand(set()));
  const gone = admin.send(new ssoAdmin.DescribePermissionSetCommand(set()));
  await fails(gone, ssoAdmin.ResourceNotFoundException);
});
await step("identitystore DeleteGroup, DeleteUser", async () => {
  await store.send(new identitystore.DeleteGroupCommand({ IdentityStoreId, GroupId }));
  for (const UserId of userIds) await store.send(new identitystore.DeleteUserCommand({ IdentityStoreId, UserId }));
  const left = await store.send(new identitystore.ListUsersCommand({ IdentityStoreId }));
  assert.deepEqual(left.Users, []);
});

console.log(`\n${count} steps, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
