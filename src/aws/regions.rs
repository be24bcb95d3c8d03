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
        names()
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

/// Every public Region with its name in the console, from the SDKs' own partition and endpoint data (botocore 1.44.5). The
/// name is empty where that data has none.
pub const REGIONS: [(&str, &str, &str); 41] = [
    ("af-south-1", "Africa (Cape Town)", "South Africa"),
    ("ap-east-1", "Asia Pacific (Hong Kong)", "China"),
    ("ap-east-2", "Asia Pacific (Taipei)", "Taiwan"),
    ("ap-northeast-1", "Asia Pacific (Tokyo)", "Japan"),
    ("ap-northeast-2", "Asia Pacific (Seoul)", "South Korea"),
    ("ap-northeast-3", "Asia Pacific (Osaka)", "Japan"),
    ("ap-south-1", "Asia Pacific (Mumbai)", "India"),
    ("ap-south-2", "Asia Pacific (Hyderabad)", "India"),
    ("ap-southeast-1", "Asia Pacific (Singapore)", "Singapore"),
    ("ap-southeast-2", "Asia Pacific (Sydney)", "Australia"),
    ("ap-southeast-3", "Asia Pacific (Jakarta)", "Indonesia"),
    ("ap-southeast-4", "Asia Pacific (Melbourne)", "Australia"),
    ("ap-southeast-5", "Asia Pacific (Malaysia)", "Malaysia"),
    ("ap-southeast-6", "Asia Pacific (New Zealand)", "New Zealand"),
    ("ap-southeast-7", "Asia Pacific (Thailand)", "Thailand"),
    ("ca-central-1", "Canada (Central)", "Canada"),
    ("ca-west-1", "Canada West (Calgary)", "Canada"),
    ("cn-north-1", "China (Beijing)", "China"),
    ("cn-northwest-1", "China (Ningxia)", "China"),
    ("eu-central-1", "Europe (Frankfurt)", "Germany"),
    ("eu-central-2", "Europe (Zurich)", "Switzerland"),
    ("eu-north-1", "Europe (Stockholm)", "Sweden"),
    ("eu-south-1", "Europe (Milan)", "Italy"),
    ("eu-south-2", "Europe (Spain)", "Spain"),
    ("eu-west-1", "Europe (Ireland)", "Ireland"),
    ("eu-west-2", "Europe (London)", "United Kingdom, UK"),
    ("eu-west-3", "Europe (Paris)", "France"),
    ("eusc-de-east-1", "AWS European Sovereign Cloud (Germany)", "Germany"),
    ("il-central-1", "Israel (Tel Aviv)", "Israel"),
    ("me-central-1", "Middle East (UAE)", "United Arab Emirates, Dubai"),
    ("me-south-1", "Middle East (Bahrain)", "Bahrain"),
    ("me-west-1", "", ""),
    ("mx-central-1", "Mexico (Central)", "Mexico"),
    ("sa-east-1", "South America (Sao Paulo)", "Brazil"),
    ("sa-west-1", "", ""),
    ("us-east-1", "US East (N. Virginia)", "United States, USA"),
    ("us-east-2", "US East (Ohio)", "United States, USA"),
    ("us-gov-east-1", "AWS GovCloud (US-East)", "United States, USA"),
    ("us-gov-west-1", "AWS GovCloud (US-West)", "United States, USA"),
    ("us-west-1", "US West (N. California)", "United States, USA"),
    ("us-west-2", "US West (Oregon)", "United States, USA"),
];

/// The names of all Regions.
fn names() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().map(|(name, ..)| *name)
}

/// The name of a Region in the console, such as `Europe (Ireland)`; `None` if it is not known.
pub fn name_of(region: &RegionName) -> Option<&'static str> {
    let known = REGIONS.iter().find(|(name, ..)| *name == &**region);
    known.map(|(_, title, _)| *title)
}

/// The country of a Region, in the words that people search for; empty if it is not known.
pub fn country_of(region: &RegionName) -> &'static str {
    let known = REGIONS.iter().find(|(name, ..)| *name == &**region);
    known.map_or("", |(_, _, country)| *country)
}

/// Whether this version knows the Region.
pub fn is_known(region: &RegionName) -> bool {
    names().any(|name| name == &**region)
}

/// The Region that a text most likely means: written in another way (`EU-West-1`, `us_east_1`), an Availability Zone of it,
/// its name in the console, or a similar name. `None` if nothing is similar.
pub fn nearest(text: &str) -> Option<RegionName> {
    let trimmed = text.trim_matches(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '\''));
    let typed = trimmed.to_lowercase().replace(['_', ' '], "-");
    let zone = typed.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    if let Some(known) = names().find(|known| *known == typed || *known == zone) {
        return Some(RegionName::of_table(known));
    }
    let place = trimmed.to_lowercase();
    let is_named = |title: &str| {
        let title = title.to_lowercase();
        let city = title.split('(').nth(1).map(|city| city.trim_end_matches(')'));
        title == place || city.is_some_and(|city| city == place || city.rsplit(' ').next() == Some(&place))
    };
    if let Some((known, ..)) = REGIONS
        .iter()
        .find(|(_, title, _)| !place.is_empty() && is_named(title))
    {
        return Some(RegionName::of_table(known));
    }
    let nearest = names().max_by_key(|known| similarity(known, &typed))?;
    let is_similar = similarity(nearest, &typed) * 2 >= nearest.len();
    is_similar.then(|| RegionName::of_table(nearest))
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
        for (typed, meant) in [
            ("us-esat-1", Some("us-east-1")),
            ("ap-southest-6", Some("ap-southeast-6")),
            ("EU-West-1", Some("eu-west-1")),
            (" us-east-1 ", Some("us-east-1")),
            ("\"us-east-1\"", Some("us-east-1")),
            ("us-east-1\r", Some("us-east-1")),
            ("us-east-1a", Some("us-east-1")),
            ("us_east_1", Some("us-east-1")),
            ("Ireland", Some("eu-west-1")),
            ("Virginia", Some("us-east-1")),
            ("US East (N. Virginia)", Some("us-east-1")),
            ("frankfurt", Some("eu-central-1")),
            ("elsewhere", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed).as_deref(), meant, "{typed:?}");
        }
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
