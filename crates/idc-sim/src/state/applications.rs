//! Applications of Identity Center, the issuers of tokens that they trust, and clusters of Amazon EKS with their capabilities.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An application of Identity Center.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Its ARN: `arn:aws:sso::ACCOUNT:application/ssoins-…/apl-…`.
    pub arn: String,
    /// The ARN of its instance.
    pub instance: String,
    /// The ARN of its provider.
    pub provider: String,
    /// The ID of the account that it was created in.
    pub account: String,
    /// Its name.
    pub name: String,
    /// Its description, if any.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether users can use it.
    pub is_enabled: bool,
    /// How the access portal shows it, in the API's JSON form.
    pub portal: Value,
    /// When it was created.
    pub created: Timestamp,
    /// The Region that it was created from.
    pub created_from: String,
    /// The token that makes a repeated request create nothing.
    #[serde(default)]
    pub client_token: Option<String>,
    /// Tag values by key. At most 75.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Whether only assigned users can use it.
    pub requires_assignment: bool,
    /// How it gets tokens: a grant in the API's JSON form by its type.
    #[serde(default)]
    pub grants: BTreeMap<String, Value>,
    /// What its tokens can be used for: the authorized targets by scope.
    #[serde(default)]
    pub scopes: BTreeMap<String, Option<Vec<String>>>,
    /// Who can act for it: the authentication method in the API's JSON form by its type.
    #[serde(default)]
    pub authentication_methods: BTreeMap<String, Value>,
    /// Whether sessions go on while the user is signed out.
    #[serde(default)]
    pub has_background_sessions: bool,
}

impl Application {
    /// Returns an enabled application without settings.
    pub fn new(arn: String, instance: &str, provider: &str, name: &str, created: Timestamp) -> Self {
        Self {
            account: arn.split(':').nth(4).unwrap_or_default().to_owned(),
            arn,
            instance: instance.to_owned(),
            provider: provider.to_owned(),
            name: name.to_owned(),
            description: None,
            is_enabled: true,
            portal: json!({"Visibility": "ENABLED", "SignInOptions": {"Origin": "IDENTITY_CENTER"}}),
            created,
            created_from: String::new(),
            client_token: None,
            tags: BTreeMap::new(),
            requires_assignment: true,
            grants: BTreeMap::new(),
            scopes: BTreeMap::new(),
            authentication_methods: BTreeMap::new(),
            has_background_sessions: false,
        }
    }
}

/// An issuer of tokens that applications of an instance can exchange.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedTokenIssuer {
    /// Its ARN: `arn:aws:sso::ACCOUNT:trustedTokenIssuer/ssoins-…/tti-…`.
    pub arn: String,
    /// The ARN of its instance.
    pub instance: String,
    /// Its name.
    pub name: String,
    /// Its configuration, in the API's JSON form.
    pub configuration: Value,
    /// The token that makes a repeated request create nothing.
    #[serde(default)]
    pub client_token: Option<String>,
    /// Tag values by key. At most 75.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A Region that an instance was replicated to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdditionalRegion {
    /// The name of the Region.
    pub name: String,
    /// When it was added.
    pub added: Timestamp,
    /// When the instance can be used there.
    pub active_at: Timestamp,
    /// When it is gone. `None` until it is removed.
    #[serde(default)]
    pub gone_at: Option<Timestamp>,
}

/// A cluster of Amazon EKS. It comes from the scenario: no simulated operation creates one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Its name, unique in the Region.
    pub name: String,
    /// Its Region.
    pub region: String,
    /// The version of Kubernetes, such as `1.34`.
    #[serde(default = "kubernetes_version")]
    pub version: String,
    /// Its capabilities.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
}

impl Cluster {
    /// Returns a cluster without capabilities.
    pub fn new(name: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            region: region.into(),
            version: kubernetes_version(),
            capabilities: Vec::new(),
        }
    }
}

fn kubernetes_version() -> String {
    "1.34".to_owned()
}

/// A capability of a cluster, such as Argo CD.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capability {
    /// Its name, unique in the cluster.
    pub name: String,
    /// Its type: `ARGOCD`, `ACK` or `KRO`.
    pub kind: String,
    /// The ARN of the role that it uses.
    pub role: String,
    /// Its configuration as responses have it, in the API's JSON form.
    pub configuration: Value,
    /// Tag values by key.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// When it was created.
    pub created: Timestamp,
    /// When it becomes `ACTIVE`.
    pub active_at: Timestamp,
}
