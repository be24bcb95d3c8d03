//! What an export for Argo CD is made of.

use clap::ValueEnum;

use super::super::escape::comment;
use crate::aws::Partition;
use crate::ids::{AccountId, RegionName};
use crate::resources::inventory::Inventory;

/// The namespace of Argo CD, which cannot be changed later.
pub(super) const NAMESPACE: &str = "argocd";

/// The name of the role of the capability, unless another one is given.
pub(super) const ROLE: &str = "ArgoCDCapabilityRole";

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The request of `eks:CreateCapability`
    Json,
    /// Commands of the AWS CLI
    Cli,
    /// A cluster configuration of eksctl
    Eksctl,
    /// Resources of Terraform
    Terraform,
    /// A template of CloudFormation
    Cloudformation,
    /// The Secret that registers the cluster with Argo CD
    Kubernetes,
    /// The settings of an Argo CD of your own, with Dex and SAML
    Dex,
}

impl Format {
    /// Whether it has comments.
    pub(super) fn has_comments(self) -> bool {
        !matches!(self, Self::Json | Self::Cloudformation)
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Cli => "cli",
            Self::Eksctl => "eksctl",
            Self::Terraform => "terraform",
            Self::Cloudformation => "cloudformation",
            Self::Kubernetes => "kubernetes",
            Self::Dex => "dex",
        }
    }

    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Json => "argo-cd.json",
            Self::Cli => "argo-cd.sh",
            Self::Eksctl => "argo-cd-eksctl.yaml",
            Self::Terraform => "argo-cd.tf",
            Self::Cloudformation => "argo-cd-template.json",
            Self::Kubernetes => "argo-cd-cluster.yaml",
            Self::Dex => "argo-cd-dex.yaml",
        }
    }
}

/// An EKS cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The name.
    pub name: String,
    /// The Region, which can be another one than that of Identity Center.
    pub region: RegionName,
    /// The account.
    pub account: AccountId,
}

impl Cluster {
    /// Parses the name or the ARN of a cluster. A name is one of this account and Region.
    ///
    /// # Errors
    /// Why it is not valid, as a clause.
    pub fn parse(text: &str, account: &AccountId, region: &RegionName) -> Result<Self, String> {
        let invalid = || format!("{text:?} is neither the name nor the ARN of an EKS cluster");
        let (name, account, region) = if text.starts_with("arn:") {
            let parts: Vec<&str> = text.splitn(6, ':').collect();
            let [_, _, "eks", region, account, resource] = parts[..] else {
                return Err(invalid());
            };
            let name = resource.strip_prefix("cluster/").ok_or_else(invalid)?;
            let account: AccountId = account.parse().map_err(|_| invalid())?;
            let region: RegionName = region.parse().map_err(|_| invalid())?;
            (name, account, region)
        } else {
            (text, account.clone(), region.clone())
        };
        let is_letter = |c: char| c.is_ascii_alphanumeric();
        let is_valid = name.starts_with(is_letter)
            && name.len() <= 100
            && name.chars().all(|c| is_letter(c) || c == '-' || c == '_');
        if !is_valid {
            return Err(invalid());
        }
        Ok(Self {
            name: name.to_owned(),
            region,
            account,
        })
    }

    pub(super) fn arn(&self) -> String {
        let partition = Partition::of_region(&self.region).id();
        let Self { name, region, account } = self;
        format!("arn:{partition}:eks:{region}:{account}:cluster/{name}")
    }
}

/// What to print.
#[derive(Debug, Clone)]
pub struct Options {
    /// The format.
    pub format: Format,
    /// The cluster that Argo CD runs on.
    pub cluster: Cluster,
    /// The name of the capability.
    pub capability: String,
    /// The ARN of the role of the capability; `None` for one that is still to be created.
    pub role: Option<String>,
    /// Who administers Argo CD: names of groups, or `user:NAME`.
    pub admins: Vec<String>,
    /// Who changes applications.
    pub editors: Vec<String>,
    /// Who only looks.
    pub viewers: Vec<String>,
}

/// A role of Argo CD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Admin,
    Editor,
    Viewer,
}

impl Role {
    /// The name in the API of EKS.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Admin => "ADMIN",
            Self::Editor => "EDITOR",
            Self::Viewer => "VIEWER",
        }
    }
}

/// A user or a group with a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub id: String,
    pub name: String,
    pub is_group: bool,
}

impl Identity {
    /// The type in the API of EKS.
    pub(super) fn kind(&self) -> &'static str {
        if self.is_group { "SSO_GROUP" } else { "SSO_USER" }
    }

    /// The name in a comment.
    pub(super) fn title(&self) -> String {
        let kind = if self.is_group { "group" } else { "user" };
        format!("{kind} {}", comment(&self.name))
    }
}

/// Who has a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapping {
    pub role: Role,
    pub identities: Vec<Identity>,
}

/// What the formats are made of.
pub(super) struct Plan<'a> {
    pub inventory: &'a Inventory,
    pub options: &'a Options,
    pub mappings: Vec<Mapping>,
}

impl Plan<'_> {
    /// The ARN of the role, which may not exist yet.
    pub(super) fn role_arn(&self) -> String {
        let cluster = &self.options.cluster;
        let partition = Partition::of_region(&cluster.region).id();
        let default = || format!("arn:{partition}:iam::{}:role/{ROLE}", cluster.account);
        self.options.role.clone().unwrap_or_else(default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_given_by_its_name_or_its_arn() {
        let (account, region) = ("123456789012".parse().unwrap(), "eu-west-1".parse().unwrap());
        let cluster = Cluster::parse("main", &account, &region).unwrap();
        assert_eq!(cluster.arn(), "arn:aws:eks:eu-west-1:123456789012:cluster/main");
        let arn = "arn:aws:eks:us-east-2:210987654321:cluster/other_1";
        let cluster = Cluster::parse(arn, &account, &region).unwrap();
        assert_eq!(cluster.arn(), arn);
        for text in [
            "",
            "-a",
            "a b",
            "arn:aws:eks:us-east-2:1:cluster/a",
            "arn:aws:iam::210987654321:role/a",
        ] {
            assert!(Cluster::parse(text, &account, &region).is_err(), "{text}");
        }
    }
}
