//! Policies of the organization, and what they are attached to.

use serde_json::{Value, json};

use super::invalid_input::invalid_input;
use super::lists::{LIST, page};
use super::organization::{constraint_violation, require_administrator, require_management};
use super::units::{organization, organization_mut, require_target, root_shape};
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging::List;
use crate::services::request::{Request, tags_of, text};
use crate::state::{Cloud, Organization, OrganizationPolicy, RESOURCE_CONTROL_POLICY, SERVICE_CONTROL_POLICY};

/// Handles an operation on policies. `None` if it is another one.
pub fn handle(cloud: &mut Cloud, request: &Request) -> Option<ServiceResult> {
    Some(match request.operation {
        "CreatePolicy" => create(cloud, request),
        "DescribePolicy" => describe(cloud, request),
        "UpdatePolicy" => update(cloud, request),
        "DeletePolicy" => delete(cloud, request),
        "ListPolicies" => list(cloud, request),
        "AttachPolicy" => attach(cloud, request),
        "DetachPolicy" => detach(cloud, request),
        "ListPoliciesForTarget" => list_for_target(cloud, request),
        "ListTargetsForPolicy" => list_targets(cloud, request),
        "EnablePolicyType" | "DisablePolicyType" => set_type(cloud, request),
        _ => return None,
    })
}

impl Organization {
    /// Returns the policies of a type. Without all features, there are none.
    fn policies_of(&self, kind: &str) -> impl Iterator<Item = &OrganizationPolicy> {
        let has_policies = self.feature_set == "ALL";
        self.policies
            .all()
            .filter(move |policy| has_policies && policy.kind == kind)
    }

    fn policy(&self, id: &str) -> Result<&OrganizationPolicy, ServiceError> {
        let policy = self.policies.all().find(|policy| policy.id == id);
        policy.filter(|_| self.feature_set == "ALL").ok_or_else(|| {
            ServiceError::new(
                "PolicyNotFoundException",
                "We can't find a policy with the PolicyId that you specified.",
            )
        })
    }

    /// Rejects the use of policies without all features.
    fn require_all_features(&self) -> Result<(), ServiceError> {
        if self.feature_set == "ALL" {
            return Ok(());
        }
        Err(ServiceError::new(
            "PolicyTypeNotAvailableForOrganizationException",
            "You can't use the specified policy type with the feature set currently enabled for this organization.",
        ))
    }

    /// Rejects a policy whose name is in use, or whose content is not valid.
    fn check_policy(&self, policy: &OrganizationPolicy) -> Result<(), ServiceError> {
        let is_other = |other: &OrganizationPolicy| other.id != policy.id && other.name == policy.name;
        if self.policies_of(&policy.kind).any(is_other) {
            return Err(ServiceError::new(
                "DuplicatePolicyException",
                "A policy with the same name already exists.",
            ));
        }
        if !is_valid(&policy.kind, &policy.content) {
            return Err(ServiceError::new(
                "MalformedPolicyDocumentException",
                "The provided policy document does not meet the requirements of the specified policy type.",
            ));
        }
        Ok(())
    }

    /// Returns a policy in the API's form, without its content.
    fn policy_summary(&self, partition: &str, policy: &OrganizationPolicy) -> Value {
        let path = format!("{}/{}", policy.kind.to_ascii_lowercase(), policy.id);
        let arn = if policy.is_managed() {
            format!("arn:{partition}:organizations::aws:policy/{path}")
        } else {
            self.arn(partition, "policy", &path)
        };
        json!({
            "Id": policy.id,
            "Arn": arn,
            "Name": policy.name,
            "Description": policy.description,
            "Type": policy.kind,
            "AwsManaged": policy.is_managed(),
        })
    }

    /// Returns a policy in the API's form.
    fn policy_shape(&self, partition: &str, policy: &OrganizationPolicy) -> Value {
        json!({"PolicySummary": self.policy_summary(partition, policy), "Content": policy.content})
    }
}

/// Returns whether a document is a policy of a type. Of the types that are not policies of IAM, only the syntax is
/// checked.
fn is_valid(kind: &str, content: &str) -> bool {
    let document: Value = serde_json::from_str(content).unwrap_or_default();
    if !document.is_object() {
        return false;
    }
    let statements = match &document["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        statement => std::slice::from_ref(statement),
    };
    let is_each = |is_valid: fn(&Value) -> bool| {
        !statements.is_empty()
            && statements
                .iter()
                .all(|statement| is_statement(statement) && is_valid(statement))
    };
    match kind {
        SERVICE_CONTROL_POLICY => {
            is_each(|statement| statement["Principal"].is_null() && statement["NotPrincipal"].is_null())
        }
        RESOURCE_CONTROL_POLICY => is_each(|statement| statement["Effect"] == "Deny" && statement["Principal"] == "*"),
        _ => true,
    }
}

/// Returns whether a statement has an effect, actions and resources.
fn is_statement(statement: &Value) -> bool {
    let has_one_of = |first: &str, second: &str| statement[first].is_null() != statement[second].is_null();
    (statement["Effect"] == "Allow" || statement["Effect"] == "Deny")
        && has_one_of("Action", "NotAction")
        && has_one_of("Resource", "NotResource")
}

/// Rejects a change of an AWS managed policy.
fn reject_managed(policy: &OrganizationPolicy) -> Result<(), ServiceError> {
    if policy.is_managed() {
        return Err(invalid_input(
            "IMMUTABLE_POLICY",
            "You specified a policy that is managed by AWS and can't be modified.",
        ));
    }
    Ok(())
}

/// `CreatePolicy`. Its type need not be enabled.
fn create(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let input = request.input;
    let (partition, random) = (cloud.partition(), cloud.ids.hex(8));
    let organization = organization_mut(cloud)?;
    organization.require_all_features()?;
    let policy = OrganizationPolicy {
        id: format!("p-{random}"),
        name: text(input, "Name").to_owned(),
        description: text(input, "Description").to_owned(),
        kind: text(input, "Type").to_owned(),
        content: text(input, "Content").to_owned(),
    };
    organization.check_policy(&policy)?;
    let tags = tags_of(&input["Tags"]);
    if !tags.is_empty() {
        organization.tags.insert(policy.id.clone(), tags.into_iter().collect());
    }
    let shape = organization.policy_shape(partition, &policy);
    organization.policies.created.push(policy);
    Ok(json!({ "Policy": shape }))
}

/// `DescribePolicy`.
fn describe(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let organization = organization(cloud)?;
    let policy = organization.policy(text(request.input, "PolicyId"))?;
    Ok(json!({ "Policy": organization.policy_shape(cloud.partition(), policy) }))
}

/// `UpdatePolicy`: changes the name, the description or the content.
fn update(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let (partition, input) = (cloud.partition(), request.input);
    let organization = organization_mut(cloud)?;
    let mut policy = organization.policy(text(input, "PolicyId"))?.clone();
    reject_managed(&policy)?;
    let members = [
        ("Name", &mut policy.name),
        ("Description", &mut policy.description),
        ("Content", &mut policy.content),
    ];
    for (member, value) in members {
        if let Some(new) = input[member].as_str() {
            new.clone_into(value);
        }
    }
    organization.check_policy(&policy)?;
    let shape = organization.policy_shape(partition, &policy);
    let mut created = organization.policies.created.iter_mut();
    if let Some(known) = created.find(|known| known.id == policy.id) {
        *known = policy;
    }
    Ok(json!({ "Policy": shape }))
}

/// `DeletePolicy`. It must not be attached.
fn delete(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let organization = organization_mut(cloud)?;
    let policy = organization.policy(text(request.input, "PolicyId"))?;
    reject_managed(policy)?;
    let id = policy.id.clone();
    let mut attached = organization.policies.attached.iter();
    if attached.any(|attachment| attachment.policy == id) {
        return Err(ServiceError::new(
            "PolicyInUseException",
            "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts \
             before performing this operation.",
        ));
    }
    organization.policies.created.retain(|policy| policy.id != id);
    organization.tags.remove(&id);
    Ok(Value::Null)
}

/// `ListPolicies`, of one type.
fn list(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let kind = text(request.input, "Filter");
    let organization = organization(cloud)?;
    let rows = organization
        .policies_of(kind)
        .map(|policy| organization.policy_summary(cloud.partition(), policy))
        .collect();
    let scope = format!("organizations:ListPolicies:{kind}");
    page(request.input, &scope, "Policies", 20, rows)
}

/// `AttachPolicy`. The type of the policy must be enabled in the root.
fn attach(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let (id, target) = (text(request.input, "PolicyId"), text(request.input, "TargetId"));
    let policy = organization(cloud)?.policy(id)?.clone();
    require_target(cloud, target)?;
    let policies = &mut organization_mut(cloud)?.policies;
    if !policies.enabled_types.contains(&policy.kind) {
        return Err(type_not_enabled());
    }
    if policies.is_attached(&policy, target) {
        return Err(ServiceError::new(
            "DuplicatePolicyAttachmentException",
            "The selected policy is already attached to the specified target.",
        ));
    }
    policies.set_attached(&policy, target, true);
    Ok(Value::Null)
}

fn type_not_enabled() -> ServiceError {
    ServiceError::new(
        "PolicyTypeNotEnabledException",
        "This operation can be performed only for enabled policy types.",
    )
}

/// `DetachPolicy`. Everything keeps at least one service control policy, and the AWS managed policy for resources.
fn detach(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let (id, target) = (text(request.input, "PolicyId"), text(request.input, "TargetId"));
    let policy = organization(cloud)?.policy(id)?.clone();
    require_target(cloud, target)?;
    let organization = organization_mut(cloud)?;
    if !organization.policies.is_attached(&policy, target) {
        return Err(ServiceError::new(
            "PolicyNotAttachedException",
            "The policy isn't attached to the specified target in the specified root.",
        ));
    }
    if policy.kind == RESOURCE_CONTROL_POLICY && policy.is_managed() {
        return Err(invalid_input(
            "NON_DETACHABLE_POLICY",
            "You can't detach this AWS Managed Policy.",
        ));
    }
    let attached = organization
        .policies_of(&policy.kind)
        .filter(|other| organization.policies.is_attached(other, target))
        .count();
    if policy.kind == SERVICE_CONTROL_POLICY && attached == 1 {
        return Err(constraint_violation(
            "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
            "You cannot remove the last policy attached to the specified target. You must have at least one attached \
             at all times.",
        ));
    }
    organization.policies.set_attached(&policy, target, false);
    Ok(Value::Null)
}

/// `ListPoliciesForTarget`: the policies of one type that are attached to the target itself.
fn list_for_target(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let (target, kind) = (text(request.input, "TargetId"), text(request.input, "Filter"));
    require_target(cloud, target)?;
    let organization = organization(cloud)?;
    let rows = organization
        .policies_of(kind)
        .filter(|policy| organization.policies.is_attached(policy, target))
        .map(|policy| organization.policy_summary(cloud.partition(), policy))
        .collect();
    let scope = format!("organizations:ListPoliciesForTarget:{kind}:{target}");
    page(request.input, &scope, "Policies", 20, rows)
}

/// What a policy can be attached to: its ID, its name, its type, and the type in its ARN.
struct Target<'a> {
    id: String,
    name: &'a str,
    kind: &'static str,
    arn_kind: &'static str,
}

/// Returns the root, the organizational units and the accounts.
fn targets<'a>(cloud: &'a Cloud, organization: &'a Organization) -> impl Iterator<Item = Target<'a>> {
    let root = Target {
        id: organization.root_id(),
        name: "Root",
        kind: "ROOT",
        arn_kind: "root",
    };
    let units = organization.units.iter().map(|unit| Target {
        id: unit.id.clone(),
        name: &unit.name,
        kind: "ORGANIZATIONAL_UNIT",
        arn_kind: "ou",
    });
    let accounts = cloud.all_accounts().map(|account| Target {
        id: account.id.clone(),
        name: &account.name,
        kind: "ACCOUNT",
        arn_kind: "account",
    });
    std::iter::once(root).chain(units).chain(accounts)
}

/// `ListTargetsForPolicy`.
fn list_targets(cloud: &Cloud, request: &Request) -> ServiceResult {
    require_administrator(cloud, request)?;
    let organization = organization(cloud)?;
    let policy = organization.policy(text(request.input, "PolicyId"))?;
    let attached: Vec<Target> = targets(cloud, organization)
        .filter(|target| organization.policies.is_attached(policy, &target.id))
        .collect();
    let scope = format!("organizations:ListTargetsForPolicy:{}", policy.id);
    let list = List {
        scope: &scope,
        key: "Targets",
        ..LIST
    };
    // An organization can have thousands of accounts, and a page has 20: shape only those.
    list.page(request.input, attached.into_iter(), |target| {
        json!({
            "TargetId": target.id,
            "Arn": organization.arn(cloud.partition(), target.arn_kind, &target.id),
            "Name": target.name,
            "Type": target.kind,
        })
    })
}

/// `EnablePolicyType` and `DisablePolicyType`, in the root.
fn set_type(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    require_management(cloud, request)?;
    let partition = cloud.partition();
    let (root, kind) = (text(request.input, "RootId"), text(request.input, "PolicyType"));
    let organization = organization_mut(cloud)?;
    if root != organization.root_id() {
        return Err(ServiceError::new(
            "RootNotFoundException",
            "You specified a root that doesn't exist.",
        ));
    }
    if request.operation == "EnablePolicyType" {
        organization.require_all_features()?;
        if !organization.policies.enabled_types.insert(kind.to_owned()) {
            return Err(ServiceError::new(
                "PolicyTypeAlreadyEnabledException",
                "The specified policy type is already enabled.",
            ));
        }
    } else if !organization.policies.disable(kind) {
        return Err(type_not_enabled());
    }
    Ok(json!({ "Root": root_shape(partition, organization) }))
}
