//! Amazon EKS: clusters of the scenario, and their capabilities, such as Argo CD.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::sso_admin::applications::new_arn;
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::paging::List;
use crate::services::request::{Request, epoch, not_simulated, text};
use crate::state::{Application, Capability, Cloud, Cluster, Identity};

/// The provider of the application that a capability creates in Identity Center. Its name is not confirmed.
const PROVIDER: &str = "eks-capabilities";

/// Handles an operation of `eks`.
pub fn handle(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    match request.operation {
        "DescribeCluster" => describe_cluster(cloud, request),
        "CreateCapability" => create(cloud, caller, request),
        "DescribeCapability" => describe(cloud, request),
        "ListCapabilities" => list(cloud, request),
        "DeleteCapability" => delete(cloud, request),
        other => Err(not_simulated("eks", other)),
    }
}

fn arn(cloud: &Cloud, resource: &str, region: &str) -> String {
    format!("arn:{}:eks:{region}:{}:{resource}", cloud.partition(), cloud.account.id)
}

/// Returns the cluster with this name in the Region of the request. AWS names it in the error.
fn cluster<'a>(cloud: &'a Cloud, request: &Request, name: &str) -> Result<&'a Cluster, ServiceError> {
    let mut clusters = cloud.clusters.iter();
    let found = clusters.find(|cluster| cluster.name == name && cluster.region == request.region);
    found.ok_or_else(|| {
        ServiceError::new(
            "ResourceNotFoundException",
            format!("No cluster found for name: {name}."),
        )
        .with("clusterName", name)
        .with_status(404)
    })
}

/// `DescribeCluster`, of an active cluster without nodes.
fn describe_cluster(cloud: &Cloud, request: &Request) -> ServiceResult {
    let cluster = cluster(cloud, request, text(request.input, "name"))?;
    let name = &cluster.name;
    Ok(json!({"cluster": {
        "name": name,
        "arn": arn(cloud, &format!("cluster/{name}"), request.region),
        "version": cluster.version,
        "status": "ACTIVE",
        "roleArn": format!("arn:{}:iam::{}:role/{name}-cluster", cloud.partition(), cloud.account.id),
        "resourcesVpcConfig": {},
        "tags": {},
    }}))
}

/// `CreateCapability`. The cluster and the instance of Identity Center must exist; the instance can be in another Region.
/// The groups and users of its mappings need not exist.
fn create(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    let input = request.input;
    let (cluster_name, name, kind) = (
        text(input, "clusterName"),
        text(input, "capabilityName"),
        text(input, "type"),
    );
    // The model declares no ResourceNotFoundException here.
    let found = cluster(cloud, request, cluster_name).map_err(|error| invalid(&error.message))?;
    if found.capabilities.iter().any(|other| other.name == name) {
        return Err(ServiceError::new(
            "ResourceInUseException",
            format!("Capability already exists with name {name} and cluster name {cluster_name}"),
        )
        .with_status(409));
    }
    let mut configuration = input["configuration"].clone();
    if kind == "ARGOCD" {
        let identity_center = &configuration["argoCd"]["awsIdc"];
        let instance = text(identity_center, "idcInstanceArn").to_owned();
        let region = identity_center["idcRegion"]
            .as_str()
            .unwrap_or(request.region)
            .to_owned();
        let is_there = cloud
            .instance(&instance)
            .is_some_and(|found| found.is_in(&region, request.now));
        if !is_there {
            return Err(invalid(&format!(
                "The instance {instance} of IAM Identity Center was not found in {region}."
            )));
        }
        let arn = new_arn(cloud, &caller.account, &instance);
        let provider = format!("arn:{}:sso::aws:applicationProvider/{PROVIDER}", cloud.partition());
        let application = Application::new(arn.clone(), &instance, &provider, name, request.now);
        cloud.applications.push(application);
        let argo = &mut configuration["argoCd"];
        argo["awsIdc"]["idcRegion"] = json!(region);
        argo["awsIdc"]["idcManagedApplicationArn"] = json!(arn);
        if argo["namespace"].is_null() {
            argo["namespace"] = json!("argocd");
        }
    }
    let tags = input["tags"].as_object().into_iter().flatten();
    let tags: BTreeMap<String, String> = tags
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    let capability = Capability {
        name: name.to_owned(),
        kind: kind.to_owned(),
        role: text(input, "roleArn").to_owned(),
        configuration,
        tags,
        created: request.now,
        active_at: request.now + cloud.timing.enabling,
    };
    let response = json!({"capability": shape(cloud, cluster_name, &capability, request)});
    let mut clusters = cloud.clusters.iter_mut();
    if let Some(cluster) = clusters.find(|cluster| cluster.name == cluster_name && cluster.region == request.region) {
        cluster.capabilities.push(capability);
    }
    Ok(response)
}

/// `DescribeCapability`.
fn describe(cloud: &Cloud, request: &Request) -> ServiceResult {
    let (cluster_name, capability) = find(cloud, request)?;
    Ok(json!({"capability": shape(cloud, cluster_name, capability, request)}))
}

/// `ListCapabilities`.
fn list(cloud: &Cloud, request: &Request) -> ServiceResult {
    let name = text(request.input, "clusterName");
    let cluster = cluster(cloud, request, name).map_err(|error| invalid(&error.message))?;
    let summary = |capability: &Capability| {
        let mut shape = shape(cloud, name, capability, request);
        if let Some(members) = shape.as_object_mut() {
            members.retain(|member, _| {
                ![
                    "clusterName",
                    "roleArn",
                    "configuration",
                    "tags",
                    "health",
                    "deletePropagationPolicy",
                ]
                .contains(&member.as_str())
            });
        }
        shape
    };
    let scope = format!("eks:ListCapabilities:{name}");
    let list = List {
        scope: &scope,
        key: "capabilities",
        size: "maxResults",
        token: "nextToken",
        default_size: 100,
        ..List::DEFAULT
    };
    list.page(request.input, cluster.capabilities.iter(), summary)
}

/// `DeleteCapability`, with its application. What it has deployed stays.
fn delete(cloud: &mut Cloud, request: &Request) -> ServiceResult {
    let (cluster_name, capability) = find(cloud, request)?;
    let (cluster_name, name) = (cluster_name.to_owned(), capability.name.clone());
    let application = text(
        &capability.configuration["argoCd"]["awsIdc"],
        "idcManagedApplicationArn",
    )
    .to_owned();
    let mut deleted = shape(cloud, &cluster_name, capability, request);
    deleted["status"] = json!("DELETING");
    cloud.applications.retain(|other| other.arn != application);
    for cluster in cloud.clusters.iter_mut().filter(|cluster| cluster.name == cluster_name) {
        cluster.capabilities.retain(|other| other.name != name);
    }
    Ok(json!({ "capability": deleted }))
}

fn find<'a>(cloud: &'a Cloud, request: &'a Request) -> Result<(&'a str, &'a Capability), ServiceError> {
    let (cluster_name, name) = (
        text(request.input, "clusterName"),
        text(request.input, "capabilityName"),
    );
    let cluster = cluster(cloud, request, cluster_name)?;
    let capability = cluster.capabilities.iter().find(|capability| capability.name == name);
    let capability = capability.ok_or_else(|| {
        ServiceError::new(
            "ResourceNotFoundException",
            format!("No capability found for name: {name} in cluster: {cluster_name}"),
        )
        .with_status(404)
    })?;
    Ok((cluster_name, capability))
}

fn invalid(message: &str) -> ServiceError {
    ServiceError::new("InvalidParameterException", message)
}

fn shape(cloud: &Cloud, cluster: &str, capability: &Capability, request: &Request) -> Value {
    let is_active = capability.active_at <= request.now;
    let (kind, name) = (capability.kind.to_lowercase(), &capability.name);
    json!({
        "capabilityName": name,
        "arn": arn(cloud, &format!("capability/{cluster}/{kind}/{name}/00000000-0000-0000-0000-000000000000"), request.region),
        "clusterName": cluster,
        "type": capability.kind,
        "roleArn": capability.role,
        "status": if is_active { "ACTIVE" } else { "CREATING" },
        "configuration": capability.configuration,
        "tags": capability.tags,
        "health": {"issues": []},
        "createdAt": epoch(capability.created),
        "modifiedAt": epoch(capability.created),
        "deletePropagationPolicy": "RETAIN",
    })
}
