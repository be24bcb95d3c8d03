//! Regions and partitions, and their domains.

use std::fmt;

use crate::ids::RegionName;

/// A partition of AWS. Partitions share no accounts, names or endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    /// The commercial Regions.
    Aws,
    /// China.
    China,
    /// AWS GovCloud (US).
    GovCloud,
    /// The European Sovereign Cloud.
    EuSovereign,
}

impl Partition {
    /// All partitions.
    pub const ALL: [Self; 4] = [Self::Aws, Self::China, Self::GovCloud, Self::EuSovereign];

    /// The DNS suffix of the service endpoints (the SDKs' partition data).
    pub fn dns_suffix(self) -> &'static str {
        match self {
            Self::Aws | Self::GovCloud => "amazonaws.com",
            Self::China => "amazonaws.com.cn",
            Self::EuSovereign => "amazonaws.eu",
        }
    }

    /// The hosts of its web pages: console, sign-in, documentation, sso-oidc with its page for device codes, access
    /// portal. `*` stands for one label, and `{region}` for a label that looks like a Region name. Whole suffixes such
    /// as `amazonaws.com` would include the S3 buckets of any account.
    ///
    /// Sources: the tables of `console.rs` and `portal_address.rs`; `verificationUri` in the sso-oidc API reference;
    /// "AWS domains for the Console and sign-in" (AWS Sign-In User Guide).
    pub fn page_hosts(self) -> &'static [&'static str] {
        match self {
            Self::Aws => &[
                "aws.amazon.com",
                "*.aws.amazon.com",
                "{region}.console.aws.amazon.com",
                "{region}.signin.aws.amazon.com",
                "signin.aws",
                "{region}.signin.aws",
                "oidc.{region}.amazonaws.com",
                "device.sso.{region}.amazonaws.com",
                "identitycenter.amazonaws.com",
                "*.{region}.portal.amazonaws.com",
                "*.awsapps.com",
                "*.portal.{region}.app.aws",
                "oidc.{region}.api.aws",
            ],
            Self::China => &[
                "console.amazonaws.cn",
                "{region}.console.amazonaws.cn",
                "signin.amazonaws.cn",
                "{region}.signin.amazonaws.cn",
                "docs.amazonaws.cn",
                "oidc.{region}.amazonaws.com.cn",
                "device.sso.{region}.amazonaws.com.cn",
                "identitycenter.amazonaws.com.cn",
                "*.{region}.portal.amazonaws.com.cn",
                "start.home.awsapps.cn",
                "start.{region}.home.awsapps.cn",
                "*.portal.{region}.app.amazonwebservices.com.cn",
                "oidc.{region}.api.amazonwebservices.com.cn",
            ],
            Self::GovCloud => &[
                "console.amazonaws-us-gov.com",
                "{region}.console.amazonaws-us-gov.com",
                "signin.amazonaws-us-gov.com",
                "{region}.signin.amazonaws-us-gov.com",
                "docs.aws.amazon.com",
                "oidc.{region}.amazonaws.com",
                "device.sso.{region}.amazonaws.com",
                "*.{region}.portal.amazonaws.com",
                "start.us-gov-home.awsapps.com",
                "*.portal.{region}.app.aws",
                "oidc.{region}.api.aws",
            ],
            Self::EuSovereign => &[
                "console.amazonaws-eusc.eu",
                "{region}.console.amazonaws-eusc.eu",
                "signin.amazonaws-eusc.eu",
                "{region}.signin.amazonaws-eusc.eu",
                "oidc.{region}.amazonaws.eu",
                "device.sso.{region}.amazonaws.eu",
                "identitycenter.amazonaws.eu",
                "*.{region}.portal.amazonaws.eu",
                "*.portal.{region}.api.amazonwebservices.eu",
                "*.portal.{region}.app.amazonwebservices.eu",
                "oidc.{region}.api.amazonwebservices.eu",
            ],
        }
    }

    /// The partition ID in ARNs.
    pub fn id(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::GovCloud => "aws-us-gov",
            Self::EuSovereign => "aws-eusc",
        }
    }

    /// The partition of an ARN, from its second part.
    pub fn of_arn(arn: &str) -> Self {
        match arn.split(':').nth(1) {
            Some("aws-cn") => Self::China,
            Some("aws-us-gov") => Self::GovCloud,
            Some("aws-eusc") => Self::EuSovereign,
            _ => Self::Aws,
        }
    }

    /// The partition of a Region, from the prefix of its name.
    pub fn of_region(region: &RegionName) -> Self {
        if region.starts_with("cn-") {
            Self::China
        } else if region.starts_with("us-gov-") {
            Self::GovCloud
        } else if region.starts_with("eusc-") {
            Self::EuSovereign
        } else {
            Self::Aws
        }
    }

    /// All Regions of the partition that this version knows.
    pub fn regions(self) -> impl Iterator<Item = RegionName> {
        REGIONS
            .iter()
            .copied()
            .map(RegionName::of_table)
            .filter(move |region| Self::of_region(region) == self)
    }

    /// The Region of the partition's global services (STS, Organizations), for calls before a Region is known.
    pub fn main_region(self) -> RegionName {
        RegionName::of_table(match self {
            Self::Aws => "us-east-1",
            Self::China => "cn-northwest-1",
            Self::GovCloud => "us-gov-west-1",
            Self::EuSovereign => "eusc-de-east-1",
        })
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Every public Region, from the SDKs' own partition and endpoint data (botocore 1.44.5).
pub const REGIONS: [&str; 41] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "me-west-1",
    "mx-central-1",
    "sa-east-1",
    "sa-west-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// Whether this version knows the Region.
pub fn is_known(region: &RegionName) -> bool {
    REGIONS.contains(&&**region)
}

/// The known Region with the most similar name.
pub fn nearest(region: &str) -> RegionName {
    let nearest = REGIONS.iter().copied().max_by_key(|known| similarity(known, region));
    nearest.map_or_else(|| Partition::Aws.main_region(), RegionName::of_table)
}

/// The length of the common prefix plus the length of the common suffix.
fn similarity(known: &str, typed: &str) -> usize {
    let front = known.chars().zip(typed.chars()).take_while(|(a, b)| a == b).count();
    let back = known
        .chars()
        .rev()
        .zip(typed.chars().rev())
        .take_while(|(a, b)| a == b)
        .count();
    front + back
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_region_gets_the_nearest_one() {
        assert_eq!(nearest("us-esat-1"), "us-east-1");
        assert_eq!(nearest("ap-southest-6"), "ap-southeast-6");
    }

    #[test]
    fn each_partition_has_its_regions() {
        assert_eq!(Partition::China.regions().count(), 2);
        assert!(
            Partition::Aws
                .regions()
                .all(|region| Partition::of_region(&region) == Partition::Aws)
        );
    }
}
