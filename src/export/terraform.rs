//! Terraform and OpenTofu: resources that refer to each other, each with the block that imports it.
//!
//! The IDs of imports are those of the AWS provider 5.100. `import` blocks need Terraform 1.5.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::escape::{comment, counted};
use super::hcl::{Block, Value};
use super::labels::Labels;
use super::set_parts::{Boundary, CustomerPolicy, SetParts};
use super::surroundings::{OrganizationState, Surroundings};
use super::view::{Exported, View};
use super::{Export, File};
use crate::ids::{GroupId, PermissionSetArn, Principal, RegionName, UserId};
use crate::progress::ResourceKind;
use crate::resources::inventory::{Group, PermissionSet, User};
use crate::resources::permission_set::INTENT_TAG;
use crate::resources::trail::TrailWithBucket;

const ORGANIZATION: &str = "aws_organizations_organization";
const USER: &str = "aws_identitystore_user";
const GROUP: &str = "aws_identitystore_group";
const MEMBERSHIP: &str = "aws_identitystore_group_membership";
const PERMISSION_SET: &str = "aws_ssoadmin_permission_set";
const MANAGED_POLICY: &str = "aws_ssoadmin_managed_policy_attachment";
const CUSTOMER_POLICY: &str = "aws_ssoadmin_customer_managed_policy_attachment";
const INLINE_POLICY: &str = "aws_ssoadmin_permission_set_inline_policy";
const BOUNDARY: &str = "aws_ssoadmin_permissions_boundary_attachment";
const ASSIGNMENT: &str = "aws_ssoadmin_account_assignment";
const TRAIL: &str = "aws_cloudtrail";
const BUCKET: &str = "aws_s3_bucket";
const BUCKET_POLICY: &str = "aws_s3_bucket_policy";
const PUBLIC_ACCESS_BLOCK: &str = "aws_s3_bucket_public_access_block";

/// The attributes of a user that an export does not know. Terraform leaves them as they are.
const OTHER_ATTRIBUTES: [&str; 13] = [
    "addresses",
    "locale",
    "name[0].formatted",
    "name[0].honorific_prefix",
    "name[0].honorific_suffix",
    "name[0].middle_name",
    "nickname",
    "phone_numbers",
    "preferred_language",
    "profile_url",
    "timezone",
    "title",
    "user_type",
];

/// Describes what exists for Terraform.
pub fn export(view: &View, surroundings: &Surroundings) -> Export {
    let mut writer = Writer::new(view);
    let assignments = writer.assignments();
    let groups = writer.groups();
    let sets = writer.permission_sets();
    let users = writer.users();
    let account = writer.account(surroundings);
    let data = writer.data_sources();
    let main = writer.main(surroundings);
    let sections = [
        ("main.tf", main),
        ("data.tf", data),
        ("users.tf", users),
        ("groups.tf", groups),
        ("permission_sets.tf", sets),
        ("assignments.tf", assignments),
        ("account.tf", account),
    ];
    let files = sections.into_iter().filter(|(_, blocks)| !blocks.is_empty());
    let text = |blocks: Vec<Block>| blocks.iter().map(Block::text).collect::<Vec<_>>().join("\n");
    Export {
        files: files.map(|(name, blocks)| File::new(name, text(blocks))).collect(),
        notes: writer.notes,
        exported: writer.exported,
    }
}

struct Writer<'a> {
    view: &'a View<'a>,
    labels: Labels,
    /// The users, groups and permission sets that are referred to, and that Terraform does not manage.
    read_users: BTreeSet<&'a UserId>,
    read_groups: BTreeSet<&'a GroupId>,
    read_sets: BTreeSet<&'a PermissionSetArn>,
    notes: Vec<String>,
    exported: Vec<Exported>,
}

impl<'a> Writer<'a> {
    fn new(view: &'a View<'a>) -> Self {
        Self {
            view,
            labels: Labels::default(),
            read_users: BTreeSet::new(),
            read_groups: BTreeSet::new(),
            read_sets: BTreeSet::new(),
            notes: Vec::new(),
            exported: Vec::new(),
        }
    }

    /// Terraform's settings, the provider, and the instance.
    ///
    /// The instance is only read: a resource for it could delete it, with everything in it. An instance with another ARN is not used.
    fn main(&self, surroundings: &Surroundings) -> Vec<Block> {
        let instance = &self.view.inventory.instance;
        let provider = |region: &RegionName| Block::new("provider", &["aws"]).with("region", &**region);
        let source = vec![
            ("source".to_owned(), "hashicorp/aws".into()),
            ("version".to_owned(), ">= 5.100.0, < 7.0.0".into()),
        ];
        let required = Block::new("required_providers", &[]).with("aws", Value::Object(source));
        let mut blocks = vec![
            Block::new("terraform", &[])
                .comment("For import blocks.")
                .with("required_version", ">= 1.5.0")
                .block(required),
            provider(&instance.region),
        ];
        let trail = surroundings.trail.as_ref().map(|trail| &trail.trail.region);
        if let Some(region) = trail.filter(|region| **region != instance.region) {
            blocks.push(
                Block::new("provider", &["aws"])
                    .with("alias", "trail")
                    .with("region", &**region),
            );
        }
        let this = "data.aws_ssoadmin_instances.this";
        let only = |value: &str| {
            let arn = super::hcl::string(&instance.arn);
            Value::reference(format!("one([for i, arn in {this}.arns : {value} if arn == {arn}])"))
        };
        blocks.push(Block::new("data", &["aws_ssoadmin_instances", "this"]));
        blocks.push(
            Block::new("locals", &[])
                .with("instance_arn", only("arn"))
                .with("identity_store_id", only(&format!("{this}.identity_store_ids[i]"))),
        );
        blocks
    }

    /// Adds a resource, and the block that imports it.
    fn imported(blocks: &mut Vec<Block>, kind: &str, label: &str, resource: Block, id: &str) {
        blocks.push(resource);
        blocks.push(
            Block::new("import", &[])
                .with("to", Value::reference(format!("{kind}.{label}")))
                .with("id", id),
        );
    }

    fn in_store(&self, id: &str) -> String {
        format!("{}/{id}", self.view.inventory.instance.store)
    }

    fn of_set(&self, set: &PermissionSetArn) -> String {
        format!("{set},{}", self.view.inventory.instance.arn)
    }

    fn users(&mut self) -> Vec<Block> {
        let mut blocks = Vec::new();
        for (id, user) in self.view.users() {
            let Some(resource) = self.user(user) else { continue };
            let label = self.user_label(user);
            let import = self.in_store(id);
            Self::imported(&mut blocks, USER, &label, resource, &import);
            self.exported.push(Exported::new(ResourceKind::User, id));
        }
        let others = self.view.users().into_iter();
        let others = others.filter(|(_, user)| !is_managed_user(user)).count();
        if others > 0 {
            self.notes.push(format!(
                "{} not managed: an identity provider manages them, or they have no complete name. Those that are referred to are \
                 data sources.",
                counted(others, "user is", "users are")
            ));
        }
        blocks
    }

    fn user_label(&mut self, user: &User) -> String {
        self.labels.terraform(USER, &[&user.name])
    }

    fn user(&mut self, user: &User) -> Option<Block> {
        if user.is_external {
            return None;
        }
        let label = self.user_label(user);
        let (given, family) = (user.given_name.as_deref()?, user.family_name.as_deref()?);
        let email = user.email.as_deref().filter(|email| !email.is_empty());
        let emails: &[&str] = match email {
            Some(_) => &["emails[0].primary", "emails[0].type"],
            None => &["emails"],
        };
        let ignored = OTHER_ATTRIBUTES.iter().chain(emails);
        let ignored = ignored.map(|&name| Value::reference(name)).collect();
        let resource = Block::new("resource", &[USER, &label])
            .with("identity_store_id", store())
            .with("user_name", user.name.as_str())
            .with("display_name", user.display_name.as_deref()?)
            .block(
                Block::new("name", &[])
                    .with("given_name", given)
                    .with("family_name", family),
            );
        let resource = match email {
            Some(email) => resource.block(Block::new("emails", &[]).with("value", email)),
            None => resource,
        };
        Some(
            resource.block(
                Block::new("lifecycle", &[])
                    .comment("A user who is deleted loses the password and all MFA devices.")
                    .with("prevent_destroy", true)
                    .with("ignore_changes", Value::List(ignored)),
            ),
        )
    }

    /// The ID of a user: of the resource, or of a data source if Terraform does not manage the user.
    fn user_id(&mut self, id: &'a UserId) -> Value {
        let Some(user) = self.view.inventory.users.get(id) else {
            return (&**id).into();
        };
        let label = self.user_label(user);
        if self.view.has_user(id) && is_managed_user(user) {
            return Value::reference(format!("{USER}.{label}.user_id"));
        }
        self.read_users.insert(id);
        Value::reference(format!("data.{USER}.{label}.user_id"))
    }

    fn groups(&mut self) -> Vec<Block> {
        let mut blocks = Vec::new();
        for (id, group) in self.view.groups().into_iter().filter(|(_, group)| !group.is_external) {
            let label = self.group_label(group);
            let description = group.description.as_deref().filter(|text| !text.is_empty());
            let resource = Block::new("resource", &[GROUP, &label])
                .with("identity_store_id", store())
                .with("display_name", group.name.as_str())
                .with_some("description", description);
            let import = self.in_store(id);
            Self::imported(&mut blocks, GROUP, &label, resource, &import);
            self.exported.push(Exported::new(ResourceKind::Group, id));
        }
        for member in self.view.members() {
            // The identity provider manages the members too.
            if member.group.is_external {
                continue;
            }
            let label = self
                .labels
                .terraform(MEMBERSHIP, &[&member.group.name, &member.user.name]);
            let (group, user) = (self.group_id(&member.key.group), self.user_id(&member.key.user));
            let resource = Block::new("resource", &[MEMBERSHIP, &label])
                .with("identity_store_id", store())
                .with("group_id", group)
                .with("member_id", user);
            let import = self.in_store(member.id);
            Self::imported(&mut blocks, MEMBERSHIP, &label, resource, &import);
            self.exported
                .push(Exported::new(ResourceKind::GroupMembership, member.key.clone()));
        }
        blocks
    }

    fn group_label(&mut self, group: &Group) -> String {
        self.labels.terraform(GROUP, &[&group.name])
    }

    fn group_id(&mut self, id: &'a GroupId) -> Value {
        let Some(group) = self.view.inventory.groups.get(id) else {
            return (&**id).into();
        };
        let label = self.group_label(group);
        if self.view.has_group(id) && !group.is_external {
            return Value::reference(format!("{GROUP}.{label}.group_id"));
        }
        self.read_groups.insert(id);
        Value::reference(format!("data.{GROUP}.{label}.group_id"))
    }

    fn permission_sets(&mut self) -> Vec<Block> {
        let mut blocks = Vec::new();
        for set in self.view.permission_sets() {
            if !set.is_complete {
                self.notes.push(format!(
                    "The permission set {} is left out: its policies were not read.",
                    comment(&set.name)
                ));
                continue;
            }
            self.permission_set(set, &mut blocks);
            self.exported.push(Exported::new(ResourceKind::PermissionSet, &set.arn));
        }
        blocks
    }

    fn permission_set(&mut self, set: &'a PermissionSet, blocks: &mut Vec<Block>) {
        let parts = SetParts::of(set);
        let label = self.set_label(set);
        let tags = parts.tags.iter();
        let tags = tags.filter(|(key, _)| **key != INTENT_TAG);
        let tags: Vec<(String, Value)> = tags.map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        let resource = Block::new("resource", &[PERMISSION_SET, &label])
            .with("instance_arn", Value::reference("local.instance_arn"))
            .with("name", set.name.as_str())
            .with_some("description", parts.description)
            .with_some("session_duration", parts.session_duration)
            .with_some("relay_state", parts.relay_state)
            .with_some("tags", Some(tags).filter(|tags| !tags.is_empty()).map(Value::Object))
            .block(ignored_tag());
        Self::imported(blocks, PERMISSION_SET, &label, resource, &self.of_set(&set.arn));
        for arn in &parts.managed_policies {
            let label = self.labels.terraform(MANAGED_POLICY, &[&set.name, last_part(arn)]);
            let resource = self.part(MANAGED_POLICY, &label, set).with("managed_policy_arn", *arn);
            let import = format!("{arn},{}", self.of_set(&set.arn));
            Self::imported(blocks, MANAGED_POLICY, &label, resource, &import);
        }
        for policy in &parts.customer_managed_policies {
            let path = policy.path();
            let label = self.labels.terraform(CUSTOMER_POLICY, &[&set.name, &path, policy.name]);
            let resource = self.part(CUSTOMER_POLICY, &label, set).block(reference(*policy));
            let import = format!("{},{path},{}", policy.name, self.of_set(&set.arn));
            Self::imported(blocks, CUSTOMER_POLICY, &label, resource, &import);
        }
        if let Some(policy) = parts.inline_policy {
            let resource = self
                .part(INLINE_POLICY, &label, set)
                .with("inline_policy", policy_value(policy));
            Self::imported(blocks, INLINE_POLICY, &label, resource, &self.of_set(&set.arn));
        }
        if let Some(boundary) = parts.boundary {
            let block = Block::new("permissions_boundary", &[]);
            let block = match boundary {
                Boundary::Managed(arn) => block.with("managed_policy_arn", arn),
                Boundary::Customer(policy) => block.block(reference(policy)),
            };
            let resource = self.part(BOUNDARY, &label, set).block(block);
            Self::imported(blocks, BOUNDARY, &label, resource, &self.of_set(&set.arn));
        }
    }

    /// The beginning of a resource that belongs to a permission set.
    fn part(&mut self, kind: &str, label: &str, set: &'a PermissionSet) -> Block {
        Block::new("resource", &[kind, label])
            .with("instance_arn", Value::reference("local.instance_arn"))
            .with("permission_set_arn", self.set_arn(set))
    }

    fn set_label(&mut self, set: &PermissionSet) -> String {
        self.labels.terraform(PERMISSION_SET, &[&set.name])
    }

    fn set_arn(&mut self, set: &'a PermissionSet) -> Value {
        let label = self.set_label(set);
        if self.view.has_permission_set(&set.arn) && set.is_complete {
            return Value::reference(format!("{PERMISSION_SET}.{label}.arn"));
        }
        self.read_sets.insert(&set.arn);
        Value::reference(format!("data.{PERMISSION_SET}.{label}.arn"))
    }

    fn assignments(&mut self) -> Vec<Block> {
        let mut blocks = Vec::new();
        for one in self.view.assignments() {
            let (kind, account) = (one.key.principal.type_name(), &one.key.account);
            let parts = [one.set.name.as_str(), kind, one.principal, &**account];
            let label = self.labels.terraform(ASSIGNMENT, &parts);
            let principal = match &one.key.principal {
                Principal::User(id) => self.user_id(id),
                Principal::Group(id) => self.group_id(id),
            };
            let name = self.view.inventory.accounts.all.get(account);
            let resource = self.part(ASSIGNMENT, &label, one.set);
            let resource = match name.filter(|account| !account.name.is_empty()) {
                Some(account) => resource.comment(&format!("Account {}", account.name)),
                None => resource,
            };
            let resource = resource
                .with("principal_id", principal)
                .with("principal_type", kind)
                .with("target_id", &**account)
                .with("target_type", "AWS_ACCOUNT");
            let import = format!(
                "{},{kind},{account},AWS_ACCOUNT,{}",
                one.key.principal.id(),
                self.of_set(&one.set.arn)
            );
            Self::imported(&mut blocks, ASSIGNMENT, &label, resource, &import);
            self.exported
                .push(Exported::new(ResourceKind::AccountAssignment, one.key.clone()));
        }
        let orphans = self.view.orphans().len();
        if orphans > 0 {
            self.notes.push(format!(
                "{} left out, because the user, group or permission set no longer exists.",
                counted(orphans, "assignment is", "assignments are")
            ));
        }
        blocks
    }

    /// The users, groups and permission sets that are referred to, and that Terraform does not manage.
    fn data_sources(&mut self) -> Vec<Block> {
        let inventory = self.view.inventory;
        let mut blocks = BTreeMap::new();
        for id in std::mem::take(&mut self.read_users) {
            if let Some(user) = inventory.users.get(id) {
                let label = self.user_label(user);
                blocks.insert((USER, label.clone()), by_id(USER, &label, "user_id", id));
            }
        }
        for id in std::mem::take(&mut self.read_groups) {
            if let Some(group) = inventory.groups.get(id) {
                let label = self.group_label(group);
                blocks.insert((GROUP, label.clone()), by_id(GROUP, &label, "group_id", id));
            }
        }
        for set in std::mem::take(&mut self.read_sets) {
            if let Some(set) = inventory.permission_sets.get(set) {
                let label = self.set_label(set);
                let block = Block::new("data", &[PERMISSION_SET, &label])
                    .with("instance_arn", Value::reference("local.instance_arn"))
                    .with("name", set.name.as_str());
                blocks.insert((PERMISSION_SET, label), block);
            }
        }
        blocks.into_values().collect()
    }

    /// The organization, and the trail with its bucket.
    fn account(&mut self, surroundings: &Surroundings) -> Vec<Block> {
        let mut blocks = Vec::new();
        if let Some(organization) = &surroundings.organization {
            Self::imported(
                &mut blocks,
                ORGANIZATION,
                "this",
                organization_block(organization),
                &organization.id,
            );
            let id = organization.id.as_str();
            self.exported.push(Exported::new(ResourceKind::Organization, id));
        }
        match &surroundings.trail {
            Some(trail) if trail.change.is_some() => {
                let change = trail.change.as_deref().unwrap_or_default();
                let name = comment(&trail.trail.name);
                self.notes.push(format!(
                    "The trail {name} is left out, because it was changed: {change}."
                ));
            }
            Some(trail) => {
                let is_elsewhere = trail.trail.region != self.view.inventory.instance.region;
                let provider = is_elsewhere.then(|| Value::reference("aws.trail"));
                trail_blocks(trail, provider.as_ref(), &mut blocks);
                self.exported
                    .push(Exported::new(ResourceKind::Trail, trail.trail.arn.as_str()));
                self.exported
                    .push(Exported::new(ResourceKind::Bucket, trail.trail.bucket.as_str()));
            }
            None => {}
        }
        blocks
    }
}

/// The tag by which this program knows its own permission sets. An inventory does not have it, and Terraform must not remove it.
fn ignored_tag() -> Block {
    let tag = Value::reference(format!("tags[{}]", super::hcl::string(INTENT_TAG)));
    Block::new("lifecycle", &[])
        .comment("idc-setup knows its own permission sets by this tag.")
        .with("ignore_changes", Value::List(vec![tag]))
}

fn store() -> Value {
    Value::reference("local.identity_store_id")
}

/// Whether a user can be a resource: the provider requires every part of the name.
fn is_managed_user(user: &User) -> bool {
    !user.is_external && user.given_name.is_some() && user.family_name.is_some() && user.display_name.is_some()
}

/// A data source that finds a user or a group by its ID: an identity provider can change the name.
fn by_id(kind: &str, label: &str, attribute: &str, id: &str) -> Block {
    Block::new("data", &[kind, label])
        .with("identity_store_id", store())
        .with(attribute, id)
}

fn reference(policy: CustomerPolicy) -> Block {
    Block::new("customer_managed_policy_reference", &[])
        .with("name", policy.name)
        .with("path", Value::Text(policy.path()))
}

/// A policy as `jsonencode(…)`, or as text if it is not JSON.
fn policy_value(policy: &str) -> Value {
    let parsed: Result<Json, _> = serde_json::from_str(policy);
    parsed.map_or_else(|_| policy.into(), Value::Encoded)
}

fn organization_block(organization: &OrganizationState) -> Block {
    let feature_set = if organization.all_features {
        "ALL"
    } else {
        "CONSOLIDATED_BILLING"
    };
    let ignored = ["aws_service_access_principals", "enabled_policy_types"];
    Block::new("resource", &[ORGANIZATION, "this"])
        .with("feature_set", feature_set)
        .block(
            Block::new("lifecycle", &[])
                .with("prevent_destroy", true)
                .comment("AWS services enable them too, such as IAM Identity Center.")
                .with("ignore_changes", Value::List(ignored.map(Value::reference).into())),
        )
}

/// The trail, its bucket, and what protects the bucket. The provider is that of the Region of the trail.
fn trail_blocks(trail: &TrailWithBucket, provider: Option<&Value>, blocks: &mut Vec<Block>) {
    let label = "trail";
    let name = trail.trail.bucket.as_str();
    let resource = |kind: &str| Block::new("resource", &[kind, label]).with_some("provider", provider.cloned());
    let bucket = Value::reference(format!("{BUCKET}.{label}.id"));
    // An export does not read the tags, so Terraform leaves those that somebody added.
    let tags = || Value::List(["tags", "tags_all"].map(Value::reference).into());
    let protected = Block::new("lifecycle", &[])
        .with("prevent_destroy", true)
        .with("ignore_changes", tags());
    let mut add = |kind: &str, resource: Block, id: &str| Writer::imported(blocks, kind, label, resource, id);
    add(BUCKET, resource(BUCKET).with("bucket", name).block(protected), name);
    if let Some(block) = trail.public_access_block {
        let resource = resource(PUBLIC_ACCESS_BLOCK)
            .with("bucket", bucket.clone())
            .with("block_public_acls", block.block_public_acls)
            .with("block_public_policy", block.block_public_policy)
            .with("ignore_public_acls", block.ignore_public_acls)
            .with("restrict_public_buckets", block.restrict_public_buckets);
        add(PUBLIC_ACCESS_BLOCK, resource, name);
    }
    if let Some(policy) = &trail.policy {
        let resource = resource(BUCKET_POLICY)
            .with("bucket", bucket.clone())
            .with("policy", policy_value(policy));
        add(BUCKET_POLICY, resource, name);
    }
    let needs = trail
        .policy
        .as_ref()
        .map(|_| Value::List(vec![Value::reference(format!("{BUCKET_POLICY}.{label}"))]));
    let resource = resource(TRAIL)
        .with_some("depends_on", needs)
        .with("name", trail.trail.name.as_str())
        .with("s3_bucket_name", bucket)
        .with("is_multi_region_trail", trail.is_multi_region)
        .with("include_global_service_events", trail.includes_global_events)
        .with("enable_log_file_validation", trail.validates_files)
        .with("enable_logging", trail.is_logging)
        .block(Block::new("lifecycle", &[]).with("ignore_changes", tags()));
    add(TRAIL, resource, &trail.trail.arn);
}

/// The name of a policy in its ARN.
fn last_part(arn: &str) -> &str {
    arn.split_once(":policy/").map_or(arn, |(_, name)| name)
}
