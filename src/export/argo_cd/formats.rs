//! The formats for the capability of Amazon EKS.

use serde_json::{Value, json};

use super::super::escape::{json as pretty, json_line, json_string};
use super::super::hcl::{self, Block};
use super::plan::{Mapping, NAMESPACE, Plan, ROLE};
use crate::shell::Shell;

/// The service that uses the role.
const SERVICE: &str = "capabilities.eks.amazonaws.com";

/// The configuration as the API of EKS has it.
fn configuration(plan: &Plan) -> Value {
    let instance = &plan.inventory.instance;
    let mappings = plan.mappings.iter().map(|mapping| {
        let identities = mapping.identities.iter();
        let identities: Vec<Value> = identities
            .map(|identity| json!({"id": identity.id, "type": identity.kind()}))
            .collect();
        json!({"role": mapping.role.name(), "identities": identities})
    });
    let mappings: Vec<Value> = mappings.collect();
    json!({"argoCd": {
        "namespace": NAMESPACE,
        "awsIdc": {"idcInstanceArn": instance.arn, "idcRegion": instance.region},
        "rbacRoleMappings": mappings,
    }})
}

/// The policy that lets the service use the role.
fn trust() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }]})
}

/// The request of `eks:CreateCapability`.
pub(super) fn json_request(plan: &Plan) -> String {
    let request = json!({
        "clusterName": plan.options.cluster.name,
        "capabilityName": plan.options.capability,
        "type": "ARGOCD",
        "roleArn": plan.role_arn(),
        "deletePropagationPolicy": "RETAIN",
        "configuration": configuration(plan),
    });
    format!("{}\n", pretty(&request))
}

/// The commands of the AWS CLI, as a script for a POSIX shell.
pub(super) fn cli(plan: &Plan) -> String {
    let quoted = |value: &str| Shell::Posix.quoted(value);
    let cluster = &plan.options.cluster;
    let mut lines = Vec::new();
    if plan.options.role.is_none() {
        let trust = quoted(&json_line(&trust()));
        lines.push(format!(
            "aws iam create-role --role-name {ROLE} --assume-role-policy-document {trust}"
        ));
        lines.push("sleep 30".to_owned());
    }
    lines.push(format!(
        "aws eks create-capability --region {} --cluster-name {} --capability-name {} --type ARGOCD \\\n  \
         --role-arn {} --delete-propagation-policy RETAIN \\\n  --configuration {}",
        cluster.region,
        quoted(&cluster.name),
        quoted(&plan.options.capability),
        quoted(&plan.role_arn()),
        quoted(&json_line(&configuration(plan)))
    ));
    lines.push(String::new());
    lines.join("\n")
}

/// The cluster configuration of eksctl, which spells `argocd` without a capital letter.
pub(super) fn eksctl(plan: &Plan) -> String {
    let (cluster, instance) = (&plan.options.cluster, &plan.inventory.instance);
    let mappings: String = plan.mappings.iter().map(yaml_mapping).collect();
    let mappings = if mappings.is_empty() {
        " []\n".to_owned()
    } else {
        format!("\n{mappings}")
    };
    format!(
        "apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata:
  name: {}
  region: {}
capabilities:
  - name: {}
    type: ARGOCD
    roleArn: {}
    deletePropagationPolicy: RETAIN
    configuration:
      argocd:
        namespace: {NAMESPACE}
        awsIdc:
          idcInstanceArn: {}
          idcRegion: {}
        rbacRoleMappings:{mappings}",
        json_string(&cluster.name),
        json_string(&cluster.region),
        json_string(&plan.options.capability),
        json_string(&plan.role_arn()),
        json_string(&instance.arn),
        json_string(&instance.region),
    )
}

fn yaml_mapping(mapping: &Mapping) -> String {
    let identities = mapping.identities.iter().map(|identity| {
        format!(
            "              # {}\n              - id: {}\n                type: {}\n",
            identity.title(),
            json_string(&identity.id),
            identity.kind()
        )
    });
    let identities: String = identities.collect();
    format!(
        "          - role: {}\n            identities:\n{identities}",
        mapping.role.name()
    )
}

/// The resources of Terraform, with the role if none is given.
pub(super) fn terraform(plan: &Plan) -> String {
    let (cluster, instance) = (&plan.options.cluster, &plan.inventory.instance);
    let mut blocks = Vec::new();
    let role = if let Some(role) = &plan.options.role {
        hcl::Value::Text(role.clone())
    } else {
        blocks.push(
            Block::new("resource", &["aws_iam_role", "argocd"])
                .with("name", ROLE)
                .with("assume_role_policy", hcl::Value::Encoded(trust())),
        );
        hcl::Value::reference("aws_iam_role.argocd.arn")
    };
    let mut argo_cd = Block::new("argo_cd", &[]).with("namespace", NAMESPACE).block(
        Block::new("aws_idc", &[])
            .with("idc_instance_arn", &*instance.arn)
            .with("idc_region", &*instance.region),
    );
    for mapping in &plan.mappings {
        let mut block = Block::new("rbac_role_mapping", &[]).with("role", mapping.role.name());
        for identity in &mapping.identities {
            block = block.block(
                Block::new("identity", &[])
                    .comment(&identity.title())
                    .with("id", identity.id.as_str())
                    .with("type", identity.kind()),
            );
        }
        argo_cd = argo_cd.block(block);
    }
    blocks.push(
        Block::new("resource", &["aws_eks_capability", "argocd"])
            .with("cluster_name", cluster.name.as_str())
            .with("capability_name", plan.options.capability.as_str())
            .with("type", "ARGOCD")
            .with("role_arn", role)
            .with("delete_propagation_policy", "RETAIN")
            .block(Block::new("configuration", &[]).block(argo_cd)),
    );
    blocks.iter().map(Block::text).collect::<Vec<_>>().join("\n")
}

/// The template of CloudFormation, with the role if none is given.
pub(super) fn cloudformation(plan: &Plan) -> String {
    let instance = &plan.inventory.instance;
    let mappings = plan.mappings.iter().map(|mapping| {
        let identities = mapping.identities.iter();
        let identities: Vec<Value> = identities
            .map(|identity| json!({"Id": identity.id, "Type": identity.kind()}))
            .collect();
        json!({"Role": mapping.role.name(), "Identities": identities})
    });
    let mappings: Vec<Value> = mappings.collect();
    let role = match &plan.options.role {
        Some(role) => json!(role),
        None => json!({"Fn::GetAtt": ["ArgoCDRole", "Arn"]}),
    };
    let mut resources = json!({"ArgoCD": {
        "Type": "AWS::EKS::Capability",
        "Properties": {
            "ClusterName": plan.options.cluster.name,
            "CapabilityName": plan.options.capability,
            "Type": "ARGOCD",
            "RoleArn": role,
            "DeletePropagationPolicy": "RETAIN",
            "Configuration": {"ArgoCd": {
                "Namespace": NAMESPACE,
                "AwsIdc": {"IdcInstanceArn": instance.arn, "IdcRegion": instance.region},
                "RbacRoleMappings": mappings,
            }},
        },
    }});
    if plan.options.role.is_none() {
        resources["ArgoCDRole"] = json!({
            "Type": "AWS::IAM::Role",
            "Properties": {"RoleName": ROLE, "AssumeRolePolicyDocument": trust()},
        });
    }
    let template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": format!("Argo CD on the EKS cluster {}", plan.options.cluster.name),
        "Resources": resources,
    });
    format!("{}\n", pretty(&template))
}

/// The Secret by which Argo CD knows the cluster.
pub(super) fn kubernetes(plan: &Plan) -> String {
    let cluster = &plan.options.cluster;
    let name = cluster.name.to_lowercase().replace('_', "-");
    format!(
        "apiVersion: v1
kind: Secret
metadata:
  name: {}
  namespace: {NAMESPACE}
  labels:
    argocd.argoproj.io/secret-type: cluster
type: Opaque
stringData:
  name: {}
  server: {}
  project: default
",
        json_string(name.trim_end_matches('-')),
        json_string(&cluster.name),
        json_string(&cluster.arn()),
    )
}
