//! CloudFormation: a template, and the file that says which resource each of its resources imports.
//!
//! Every resource has the deletion policy `Retain`. A template is for one Region. It has at most as many resources as one change
//! set imports, which is less than the 500 resources that a template can have ("AWS CloudFormation quotas").

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::escape::{comment, counted, json as pretty};
use super::labels::Labels;
use super::set_parts::{Boundary, CustomerPolicy, SetParts};
use super::surroundings::Surroundings;
use super::view::{Assigned, Exported, Member, View};
use super::{Export, File};
use crate::ids::{GroupId, PermissionSetArn, Principal, RegionName};
use crate::progress::ResourceKind;
use crate::resources::inventory::{Group, PermissionSet};
use crate::resources::trail::{PublicAccessBlock, TrailWithBucket};

/// The most resources of a template: `ResourcesToImport` of `cloudformation:CreateChangeSet` has at most 200 items.
pub const MOST_RESOURCES: usize = 200;

/// The most bytes of a template in an S3 bucket ("AWS CloudFormation quotas").
pub const MOST_BYTES: usize = 1_000_000;

/// The bytes that are reserved for the parts of a template besides its resources.
const BYTES_OF_FRAME: usize = 1_000;

/// The most bytes of a reference to another resource: its logical ID of at most 255 characters, with the names and the white
/// space around it.
const BYTES_OF_REFERENCE: usize = 400;

/// The beginning of a dynamic reference, which CloudFormation replaces wherever it is.
const DYNAMIC_REFERENCE: &str = "{{resolve:";

/// Describes what exists for CloudFormation.
pub fn export(view: &View, surroundings: &Surroundings) -> Export {
    let mut planner = Planner::new(view);
    planner.identity_center();
    planner.trail(surroundings);
    planner.say_what_is_left_out(surroundings);
    let count = planner.templates.len();
    let mut files = Vec::new();
    for (index, template) in planner.templates.iter().enumerate() {
        let end = if count == 1 {
            String::new()
        } else {
            format!("-{}", index + 1)
        };
        let (body, imports) = template.documents(index, &planner.places);
        files.push(File::new(format!("template{end}.json"), format!("{}\n", pretty(&body))));
        let name = format!("resources-to-import{end}.json");
        files.push(File::new(name, format!("{}\n", pretty(&imports))));
    }
    Export {
        files,
        notes: planner.notes,
        exported: planner.exported,
    }
}

/// What a resource is referred to by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Address {
    Group(GroupId),
    PermissionSet(PermissionSetArn),
    Bucket,
    BucketPolicy,
}

/// Where a resource is.
struct Place {
    template: usize,
    logical_id: String,
}

/// A value of a property.
enum Property {
    Is(Value),
    /// An attribute of another resource, or the value if that is in another template.
    Of(Address, &'static str, Value),
}

/// A resource to be imported.
struct Resource {
    logical_id: String,
    kind: &'static str,
    properties: Vec<(&'static str, Property)>,
    /// The identifier, as the import needs it.
    identifier: Value,
    needs: Option<Address>,
}

impl Resource {
    /// The resource as it is in a template. `place` finds what is in the same template.
    fn body<'a>(&self, place: impl Fn(&Address) -> Option<&'a Place>) -> Value {
        let properties = self.properties.iter().map(|(name, property)| {
            let value = match property {
                Property::Is(value) => value.clone(),
                Property::Of(address, attribute, value) => match place(address) {
                    Some(place) if attribute.is_empty() => json!({"Ref": place.logical_id}),
                    Some(place) => json!({"Fn::GetAtt": [place.logical_id, attribute]}),
                    None => value.clone(),
                },
            };
            ((*name).to_owned(), value)
        });
        let properties: Map<String, Value> = properties.collect();
        let mut body = json!({
            "Type": self.kind,
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": properties,
        });
        if let Some(place) = self.needs.as_ref().and_then(place) {
            body["DependsOn"] = json!(place.logical_id);
        }
        body
    }

    /// The most bytes that it has in a template.
    fn bytes(&self) -> usize {
        // The nesting is that of a template, since the white space counts too.
        let mut nested = json!({"Resources": {}});
        nested["Resources"][self.logical_id.as_str()] = self.body(|_| None);
        let properties = self.properties.iter();
        let references = properties
            .filter(|(_, property)| matches!(property, Property::Of(..)))
            .count();
        pretty(&nested).len() + (references + usize::from(self.needs.is_some())) * BYTES_OF_REFERENCE
    }
}

/// A template.
struct Template {
    region: RegionName,
    resources: Vec<Resource>,
    /// The most bytes that it has.
    bytes: usize,
}

struct Planner<'a> {
    view: &'a View<'a>,
    labels: Labels,
    templates: Vec<Template>,
    places: BTreeMap<Address, Place>,
    notes: Vec<String>,
    exported: Vec<Exported>,
}

impl Template {
    /// The template, and the file of what it imports.
    fn documents(&self, index: usize, places: &BTreeMap<Address, Place>) -> (Value, Value) {
        let local = |address: &Address| places.get(address).filter(|place| place.template == index);
        let mut resources = Map::new();
        let mut imports = Vec::new();
        for resource in &self.resources {
            resources.insert(resource.logical_id.clone(), resource.body(local));
            imports.push(json!({
                "ResourceType": resource.kind,
                "LogicalResourceId": resource.logical_id,
                "ResourceIdentifier": resource.identifier,
            }));
        }
        let body = json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": format!("IAM Identity Center, for a stack in {}", self.region),
            "Metadata": {"Users": "Users are left out: a change of the name or the email address would replace the user."},
            "Resources": resources,
        });
        (body, Value::Array(imports))
    }
}

impl<'a> Planner<'a> {
    fn new(view: &'a View<'a>) -> Self {
        Self {
            view,
            labels: Labels::default(),
            templates: Vec::new(),
            places: BTreeMap::new(),
            notes: Vec::new(),
            exported: Vec::new(),
        }
    }

    /// Adds a resource to the template of its Region, and begins another one if that is full. Returns whether it was added.
    fn add(&mut self, region: &RegionName, address: Option<Address>, resource: Resource) -> bool {
        let mut texts = resource.properties.iter().map(|(_, property)| match property {
            Property::Is(value) | Property::Of(_, _, value) => value.to_string(),
        });
        if texts.any(|text| text.contains(DYNAMIC_REFERENCE)) {
            self.notes.push(format!(
                "{} is left out: it contains {DYNAMIC_REFERENCE}, which CloudFormation would replace.",
                resource.logical_id
            ));
            return false;
        }
        let last = self.templates.last_mut();
        let bytes = resource.bytes();
        let free = last.filter(|last| {
            let has_room = last.resources.len() < MOST_RESOURCES && last.bytes + bytes <= MOST_BYTES;
            last.region == *region && has_room
        });
        let logical_id = resource.logical_id.clone();
        match free {
            Some(template) => {
                template.bytes += bytes;
                template.resources.push(resource);
            }
            None => self.templates.push(Template {
                region: region.clone(),
                resources: vec![resource],
                bytes: BYTES_OF_FRAME + bytes,
            }),
        }
        if let Some(address) = address {
            let template = self.templates.len() - 1;
            self.places.insert(address, Place { template, logical_id });
        }
        true
    }

    fn identity_center(&mut self) {
        let region = self.view.inventory.instance.region.clone();
        for (id, group) in self.view.groups().into_iter().filter(|(_, group)| !group.is_external) {
            let resource = self.group(id, group);
            if self.add(&region, Some(Address::Group(id.clone())), resource) {
                self.exported.push(Exported::new(ResourceKind::Group, id));
            }
        }
        for member in self
            .view
            .members()
            .into_iter()
            .filter(|member| !member.group.is_external)
        {
            let resource = self.membership(&member);
            if self.add(&region, None, resource) {
                self.exported
                    .push(Exported::new(ResourceKind::GroupMembership, member.key.clone()));
            }
        }
        for set in self.view.permission_sets() {
            if !set.is_complete {
                let name = comment(&set.name);
                self.notes.push(format!(
                    "The permission set {name} is left out: its policies were not read."
                ));
                continue;
            }
            let resource = self.permission_set(set);
            if self.add(&region, Some(Address::PermissionSet(set.arn.clone())), resource) {
                self.exported.push(Exported::new(ResourceKind::PermissionSet, &set.arn));
            }
        }
        for one in self.view.assignments() {
            let resource = self.assignment(&one);
            if self.add(&region, None, resource) {
                self.exported
                    .push(Exported::new(ResourceKind::AccountAssignment, one.key.clone()));
            }
        }
    }

    fn store(&self) -> Property {
        Property::Is(json!(self.view.inventory.instance.store))
    }

    fn instance(&self) -> Property {
        Property::Is(json!(self.view.inventory.instance.arn))
    }

    fn group(&mut self, id: &GroupId, group: &Group) -> Resource {
        let mut properties = vec![
            ("IdentityStoreId", self.store()),
            ("DisplayName", Property::Is(json!(group.name))),
        ];
        if let Some(description) = group.description.as_deref().filter(|text| !text.is_empty()) {
            properties.push(("Description", Property::Is(json!(description))));
        }
        Resource {
            logical_id: self.labels.cloudformation("Group", &[&group.name]),
            kind: "AWS::IdentityStore::Group",
            properties,
            identifier: json!({"GroupId": id, "IdentityStoreId": self.view.inventory.instance.store}),
            needs: None,
        }
    }

    fn membership(&mut self, member: &Member) -> Resource {
        let group = &member.key.group;
        let names = [member.group.name.as_str(), member.user.name.as_str()];
        Resource {
            logical_id: self.labels.cloudformation("Membership", &names),
            kind: "AWS::IdentityStore::GroupMembership",
            properties: vec![
                ("IdentityStoreId", self.store()),
                (
                    "GroupId",
                    Property::Of(Address::Group(group.clone()), "GroupId", json!(group)),
                ),
                ("MemberId", Property::Is(json!({"UserId": member.key.user}))),
            ],
            identifier: json!({
                "MembershipId": member.id,
                "IdentityStoreId": self.view.inventory.instance.store,
            }),
            needs: None,
        }
    }

    fn permission_set(&mut self, set: &PermissionSet) -> Resource {
        let parts = SetParts::of(set);
        let mut properties = vec![
            ("InstanceArn", self.instance()),
            ("Name", Property::Is(json!(set.name))),
        ];
        let mut put = |name: &'static str, value: Option<Value>| {
            properties.extend(value.map(|value| (name, Property::Is(value))));
        };
        put("Description", parts.description.map(Value::from));
        put("SessionDuration", parts.session_duration.map(Value::from));
        put("RelayStateType", parts.relay_state.map(Value::from));
        let managed = Some(&parts.managed_policies).filter(|policies| !policies.is_empty());
        put("ManagedPolicies", managed.map(|policies| json!(policies)));
        let customer: Vec<Value> = parts
            .customer_managed_policies
            .iter()
            .map(|policy| reference(*policy))
            .collect();
        put(
            "CustomerManagedPolicyReferences",
            Some(customer).filter(|policies| !policies.is_empty()).map(Value::Array),
        );
        put("InlinePolicy", parts.inline_policy.map(policy_value));
        put(
            "PermissionsBoundary",
            parts.boundary.map(|boundary| match boundary {
                Boundary::Managed(arn) => json!({"ManagedPolicyArn": arn}),
                Boundary::Customer(policy) => json!({"CustomerManagedPolicyReference": reference(policy)}),
            }),
        );
        let tags = parts.tags.iter();
        let tags: Vec<Value> = tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        put("Tags", Some(tags).filter(|tags| !tags.is_empty()).map(Value::Array));
        Resource {
            logical_id: self.labels.cloudformation("PermissionSet", &[&set.name]),
            kind: "AWS::SSO::PermissionSet",
            properties,
            identifier: json!({
                "InstanceArn": self.view.inventory.instance.arn,
                "PermissionSetArn": set.arn,
            }),
            needs: None,
        }
    }

    fn assignment(&mut self, one: &Assigned) -> Resource {
        let (kind, set) = (one.key.principal.type_name(), &one.key.permission_set);
        let (account, id) = (&*one.key.account, one.key.principal.id());
        let principal = match &one.key.principal {
            Principal::Group(group) => Property::Of(Address::Group(group.clone()), "GroupId", json!(id)),
            Principal::User(_) => Property::Is(json!(id)),
        };
        let arn = Property::Of(Address::PermissionSet(set.clone()), "PermissionSetArn", json!(set));
        let names = [one.set.name.as_str(), kind, one.principal, account];
        Resource {
            logical_id: self.labels.cloudformation("Assignment", &names),
            kind: "AWS::SSO::Assignment",
            properties: vec![
                ("InstanceArn", self.instance()),
                ("PermissionSetArn", arn),
                ("PrincipalId", principal),
                ("PrincipalType", Property::Is(json!(kind))),
                ("TargetId", Property::Is(json!(account))),
                ("TargetType", Property::Is(json!("AWS_ACCOUNT"))),
            ],
            identifier: json!({
                "InstanceArn": self.view.inventory.instance.arn,
                "PermissionSetArn": set,
                "PrincipalId": id,
                "PrincipalType": kind,
                "TargetId": account,
                "TargetType": "AWS_ACCOUNT",
            }),
            needs: None,
        }
    }

    /// The trail and its bucket.
    fn trail(&mut self, surroundings: &Surroundings) {
        let Some(trail) = surroundings.trail.as_ref().filter(|trail| trail.change.is_none()) else {
            return;
        };
        let region = &trail.trail.region;
        let bucket = trail.trail.bucket.as_str();
        self.add(
            region,
            Some(Address::Bucket),
            bucket_resource(bucket, trail.public_access_block),
        );
        if let Some(policy) = &trail.policy {
            let resource = Resource {
                logical_id: "TrailBucketPolicy".to_owned(),
                kind: "AWS::S3::BucketPolicy",
                properties: vec![
                    ("Bucket", Property::Of(Address::Bucket, "", json!(bucket))),
                    ("PolicyDocument", Property::Is(policy_value(policy))),
                ],
                identifier: json!({"Bucket": bucket}),
                needs: None,
            };
            self.add(region, Some(Address::BucketPolicy), resource);
        }
        self.add(region, None, trail_resource(trail));
        self.exported
            .push(Exported::new(ResourceKind::Trail, trail.trail.arn.as_str()));
        self.exported.push(Exported::new(ResourceKind::Bucket, bucket));
    }

    fn say_what_is_left_out(&mut self, surroundings: &Surroundings) {
        let mut say = |note: String| self.notes.push(note);
        let users = self.view.users().len();
        if users > 0 {
            say(format!(
                "{} left out: with CloudFormation, a change of the name or the email address would replace the user, who would lose \
                 the password and all MFA devices.",
                counted(users, "user is", "users are")
            ));
        }
        let orphans = self.view.orphans().len();
        if orphans > 0 {
            say(format!(
                "{} left out, because the user, group or permission set no longer exists.",
                counted(orphans, "assignment is", "assignments are")
            ));
        }
        if surroundings.organization.is_some() {
            say("The organization is left out.".to_owned());
        }
        let trail = surroundings.trail.as_ref();
        if let Some((trail, change)) = trail.and_then(|trail| Some((trail, trail.change.as_ref()?))) {
            let name = comment(&trail.trail.name);
            say(format!(
                "The trail {name} is left out, because it was changed: {change}."
            ));
        }
        if let [first, .., last] = &self.templates[..] {
            let regions = if first.region == last.region {
                String::new()
            } else {
                format!(" The last ones are for a stack in {}.", last.region)
            };
            let count = self.templates.len();
            self.notes.push(format!(
                "There are {count} templates, since a change set imports at most {MOST_RESOURCES} resources, a template has at most \
                 {MOST_BYTES} bytes, and each is for one Region.{regions}"
            ));
        }
    }
}

fn bucket_resource(bucket: &str, block: Option<PublicAccessBlock>) -> Resource {
    let mut properties = vec![("BucketName", Property::Is(json!(bucket)))];
    if let Some(block) = block {
        let block = json!({
            "BlockPublicAcls": block.block_public_acls,
            "BlockPublicPolicy": block.block_public_policy,
            "IgnorePublicAcls": block.ignore_public_acls,
            "RestrictPublicBuckets": block.restrict_public_buckets,
        });
        properties.push(("PublicAccessBlockConfiguration", Property::Is(block)));
    }
    Resource {
        logical_id: "TrailBucket".to_owned(),
        kind: "AWS::S3::Bucket",
        properties,
        identifier: json!({"BucketName": bucket}),
        needs: None,
    }
}

fn trail_resource(trail: &TrailWithBucket) -> Resource {
    let name = &trail.trail.name;
    let is = |value: bool| Property::Is(json!(value));
    Resource {
        logical_id: "Trail".to_owned(),
        kind: "AWS::CloudTrail::Trail",
        properties: vec![
            ("TrailName", Property::Is(json!(name))),
            (
                "S3BucketName",
                Property::Of(Address::Bucket, "", json!(trail.trail.bucket)),
            ),
            ("IsLogging", is(trail.is_logging)),
            ("IsMultiRegionTrail", is(trail.is_multi_region)),
            ("IncludeGlobalServiceEvents", is(trail.includes_global_events)),
            ("EnableLogFileValidation", is(trail.validates_files)),
        ],
        identifier: json!({"TrailName": name}),
        needs: Some(Address::BucketPolicy),
    }
}

fn reference(policy: CustomerPolicy) -> Value {
    json!({"Name": policy.name, "Path": policy.path()})
}

/// A policy as an object, or as text if it is not JSON.
fn policy_value(policy: &str) -> Value {
    serde_json::from_str(policy).unwrap_or_else(|_| json!(policy))
}
