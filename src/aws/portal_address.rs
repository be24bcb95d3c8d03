//! The access portal URL. No API returns it. It is derived from the instance in one of several formats; sso-oidc tells
//! which of them is valid. A custom subdomain can't be derived: the user pastes the URL.

use super::Partition;
use crate::ids::{InstanceArn, RegionName};

/// The possible access portal URLs of an instance, the most likely first.
///
/// For a `d-…` identity store, the first one still works after the portal got a custom subdomain or additional Regions.
pub fn candidates(
    partition: Partition,
    instance: &InstanceArn,
    identity_store_id: &str,
    region: &RegionName,
) -> Vec<String> {
    let id = instance.instance_id();
    let suffix = partition.dns_suffix();
    // "AWS access portal endpoints in the primary and additional AWS Regions" (IAM Identity Center User Guide).
    let regional = format!("https://{id}.{region}.portal.{suffix}");
    let dual_stack = |domain: &str| format!("https://{id}.portal.{region}.app.{domain}");
    match partition {
        Partition::Aws => vec![
            format!("https://{identity_store_id}.awsapps.com/start"),
            dual_stack("aws"),
            regional,
        ],
        Partition::GovCloud => vec![
            format!("https://start.us-gov-home.awsapps.com/directory/{identity_store_id}"),
            dual_stack("aws"),
            regional,
        ],
        Partition::China => vec![
            format!("https://start.home.awsapps.cn/directory/{identity_store_id}"),
            format!("https://start.{region}.home.awsapps.cn/directory/{identity_store_id}"),
            dual_stack("amazonwebservices.com.cn"),
            regional,
        ],
        // This partition is newer than the legacy formats and supports none of them.
        Partition::EuSovereign => vec![regional, dual_stack("amazonwebservices.eu")],
    }
}

/// A portal URL as it is written in a config file: without what a browser adds to it once the portal is open (`#/`, or
/// `#/?tab=accounts`, which a shell may have quoted as `\\#/`), without a query and slashes at the end, and with the host in
/// lowercase.
pub fn normalized(text: &str) -> String {
    let address = text.trim().split(['#', '?']).next().unwrap_or_default();
    let address = address.trim_end_matches(['\\', '/']);
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            format!("{}://{}{path}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase())
        }
        None => address.to_owned(),
    }
}

/// A portal URL from what a person copied or typed: the URL in any form, without `https://`, or only the ID of the identity
/// store.
pub fn completed(text: &str) -> String {
    let typed = normalized(text);
    let lower = typed.to_ascii_lowercase();
    let is_store = lower.starts_with("d-") && lower.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let address = if typed.contains("://") {
        typed
    } else if is_store {
        format!("https://{lower}.awsapps.com")
    } else {
        normalized(&format!("https://{typed}"))
    };
    let host = address.strip_prefix("https://").unwrap_or_default();
    // The page at this address redirects to the start page.
    let is_without_path = host.ends_with(".awsapps.com") && host.matches('.').count() == 2;
    if is_without_path {
        format!("{address}/start")
    } else {
        address
    }
}

/// [`completed`] if that gives a portal URL of a known form, otherwise only [`normalized`].
pub fn recognized(text: &str) -> String {
    let completed = completed(text);
    match portal(&completed).id {
        PortalId::Unknown(_) => normalized(text),
        PortalId::Store(_) | PortalId::Instance(_) | PortalId::Custom(..) => completed,
    }
}

/// Where somebody finds the URL of the portal, as a clause.
pub const WHERE_IT_IS: &str = "the URL of the access portal is in the invitation by email, and in the console under IAM \
                               Identity Center → Dashboard";

/// Whether an address is of a page on which people sign in to the console, or of the console itself.
pub fn is_of_console(address: &str) -> bool {
    const HOSTS: [&str; 9] = [
        "signin.aws.amazon.com",
        "console.aws.amazon.com",
        "signin.aws",
        "signin.amazonaws-us-gov.com",
        "console.amazonaws-us-gov.com",
        "signin.amazonaws.cn",
        "console.amazonaws.cn",
        "signin.amazonaws-eusc.eu",
        "console.amazonaws-eusc.eu",
    ];
    let address = normalized(address);
    let rest = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default().to_ascii_lowercase();
    let is_below = |known: &str| host.strip_suffix(known).is_some_and(|before| before.ends_with('.'));
    HOSTS.iter().any(|known| host == *known || is_below(known))
}

/// What identifies a portal within its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortalId {
    /// The identity store: `d-…`.
    Store(String),
    /// The instance: `ssoins-…`.
    Instance(String),
    /// A custom subdomain, or the custom alias of a directory in another partition.
    Custom(Partition, String),
    /// The URL itself, which has no known form.
    Unknown(String),
}

/// What a portal URL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portal {
    /// What identifies the portal. The same portal can also have URLs with another kind of ID.
    pub id: PortalId,
    /// The partition; the commercial one if the URL does not show it.
    pub partition: Partition,
    /// The Region, if it is in the URL. It can be an additional Region of the instance.
    pub region: Option<RegionName>,
}

/// Reads a portal URL in any of its forms.
pub fn portal(address: &str) -> Portal {
    let address = normalized(address);
    let rest = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let labels: Vec<&str> = host.split('.').collect();
    let directory = |partition| named(partition, path.strip_prefix("directory/").unwrap_or(path));
    let region = |label: &str| label.parse::<RegionName>().ok().filter(|region| region.contains('-'));
    let (partition, id, region) = match labels[..] {
        ["start", "us-gov-home", "awsapps", "com"] => (Partition::GovCloud, directory(Partition::GovCloud), None),
        ["start", "home", "awsapps", "cn"] => (Partition::China, directory(Partition::China), None),
        ["start", label, "home", "awsapps", "cn"] => (Partition::China, directory(Partition::China), region(label)),
        [name, "awsapps", "com"] => (Partition::Aws, named(Partition::Aws, name), None),
        ["identitycenter", "amazonaws", ..] if path.starts_with("ssoins-") => {
            let partition = match labels[2..] {
                ["com", "cn"] => Partition::China,
                ["eu"] => Partition::EuSovereign,
                _ => Partition::Aws,
            };
            (partition, named(partition, path), None)
        }
        [name, "portal", label, "app" | "api", ..] | [name, label, "portal", ..] if region(label).is_some() => {
            let region = region(label);
            let partition = region.as_ref().map_or(Partition::Aws, Partition::of_region);
            (partition, named(partition, name), region)
        }
        _ => (Partition::Aws, PortalId::Unknown(address.clone()), None),
    };
    Portal { id, partition, region }
}

/// What a name in a URL identifies.
fn named(partition: Partition, name: &str) -> PortalId {
    let name = name.to_ascii_lowercase();
    if name.starts_with("d-") {
        PortalId::Store(name)
    } else if name.starts_with("ssoins-") {
        PortalId::Instance(name)
    } else {
        PortalId::Custom(partition, name)
    }
}

/// Whether two URLs are certainly of the same portal, in whatever form they are written.
pub fn is_same(one: &str, other: &str) -> bool {
    portal(one).id == portal(other).id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Key;
    use crate::browser::Browser;

    /// Partition, Region, URL, whether it is derived from the instance (otherwise the user pastes it), source.
    const TABLE: [(Partition, &str, &str, bool, &str); 16] = [
        (
            Partition::Aws,
            "us-east-1",
            "https://d-1234567890.awsapps.com/start",
            true,
            "AWS Sign-In User Guide, Signing in to the AWS access portal",
        ),
        (
            Partition::Aws,
            "us-east-1",
            "https://anycompany.awsapps.com/start",
            false,
            "the same page: your_subdomain.awsapps.com/start",
        ),
        (
            Partition::Aws,
            "eu-west-1",
            "https://ssoins-7223a1b2c3d4e5f6.portal.eu-west-1.app.aws",
            true,
            "AWS SDK for .NET, SSOEndpointResolverTests: dual-stack format",
        ),
        (
            Partition::Aws,
            "eu-west-1",
            "https://ssoins-7223a1b2c3d4e5f6.eu-west-1.portal.amazonaws.com",
            true,
            "IAM Identity Center User Guide, Workforce access through an additional Region",
        ),
        (
            Partition::Aws,
            "us-east-1",
            "https://identitycenter.amazonaws.com/ssoins-7223a1b2c3d4e5f6",
            false,
            "IAM Identity Center User Guide, Configuring the AWS CLI: issuer URL",
        ),
        (
            Partition::GovCloud,
            "us-gov-west-1",
            "https://start.us-gov-home.awsapps.com/directory/d-1234567890",
            true,
            "AWS GovCloud (US) User Guide, IAM Identity Center",
        ),
        (
            Partition::GovCloud,
            "us-gov-west-1",
            "https://start.us-gov-home.awsapps.com/directory/anycompany",
            false,
            "the same page: directory/CustomAlias",
        ),
        (
            Partition::GovCloud,
            "us-gov-west-1",
            "https://ssoins-7223a1b2c3d4e5f6.portal.us-gov-west-1.app.aws",
            true,
            "the same page: the new format",
        ),
        (
            Partition::GovCloud,
            "us-gov-west-1",
            "https://ssoins-7223a1b2c3d4e5f6.us-gov-west-1.portal.amazonaws.com",
            true,
            "the same page: domains for allowlists",
        ),
        (
            Partition::China,
            "cn-north-1",
            "https://start.home.awsapps.cn/directory/d-1234567890",
            true,
            "IAM Identity Center in China, Using the access portal",
        ),
        (
            Partition::China,
            "cn-north-1",
            "https://start.cn-north-1.home.awsapps.cn/directory/d-1234567890",
            true,
            "AWS SDK for .NET, SSOEndpointResolverTests: legacy format of China",
        ),
        (
            Partition::China,
            "cn-north-1",
            "https://ssoins-7223a1b2c3d4e5f6.portal.cn-north-1.app.amazonwebservices.com.cn",
            true,
            "AWS SDK for .NET, SSOEndpointResolverTests: dual-stack format",
        ),
        (
            Partition::China,
            "cn-northwest-1",
            "https://ssoins-7223a1b2c3d4e5f6.cn-northwest-1.portal.amazonaws.com.cn",
            true,
            "AWS SDK for .NET, SSOEndpointResolverTests: IPv4 format",
        ),
        (
            Partition::China,
            "cn-north-1",
            "https://identitycenter.amazonaws.com.cn/ssoins-7223a1b2c3d4e5f6",
            false,
            "AWS SDK for .NET, SSOEndpointResolverTests: issuer URL of China",
        ),
        (
            Partition::EuSovereign,
            "eusc-de-east-1",
            "https://ssoins-7223a1b2c3d4e5f6.eusc-de-east-1.portal.amazonaws.eu",
            true,
            "AWS SDK for .NET, SSOEndpointResolverTests: IPv4 format",
        ),
        (
            Partition::EuSovereign,
            "eusc-de-east-1",
            "https://ssoins-7223a1b2c3d4e5f6.portal.eusc-de-east-1.api.amazonwebservices.eu",
            false,
            "AWS SDK for .NET, SSOEndpointResolverTests: dual-stack format",
        ),
    ];

    #[test]
    fn every_url_format_is_derived_or_accepted_and_opened_only_in_its_partition() {
        for (partition, region, address, is_derived, source) in TABLE {
            let arn = format!("arn:{}:sso:::instance/ssoins-7223a1b2c3d4e5f6", partition.id());
            let derived = candidates(
                partition,
                &arn.parse().unwrap(),
                "d-1234567890",
                &region.parse().unwrap(),
            );
            assert_eq!(
                derived.contains(&address.to_owned()),
                is_derived,
                "{address} ({source}): {derived:?}"
            );
            assert_eq!(Key::StartUrl.check(address).as_deref(), Ok(address), "{source}");
            let may_open_in = |partition| {
                let browser = Browser::none("a test");
                browser.restrict_to(partition);
                browser.may_open(address)
            };
            assert!(may_open_in(partition), "{address} ({source})");
            // Some GovCloud pages use domains of the commercial partition; the other partitions share no domains.
            let others = [Partition::Aws, Partition::China, Partition::EuSovereign];
            for other in others.into_iter().filter(|other| *other != partition) {
                let is_shared =
                    partition == Partition::GovCloud && other == Partition::Aws && !address.contains("us-gov-home");
                assert_eq!(may_open_in(other), is_shared, "{address} in {other}");
            }
        }
    }

    #[test]
    fn a_url_is_accepted_as_a_browser_shows_it() {
        let url = "https://d-1234567890.awsapps.com/start";
        for pasted in [
            "#",
            "#/",
            "/#/",
            "/\\#/",
            "/#/?tab=accounts",
            "/#/console?account_id=123456789012",
        ] {
            let pasted = format!(" {url}{pasted} ");
            assert_eq!(Key::StartUrl.check(&pasted).as_deref(), Ok(url), "{pasted:?}");
        }
        assert_eq!(normalized("HTTPS://D-1234567890.AwsApps.com/start"), url);
        assert_eq!(normalized(url), url);
    }

    #[test]
    fn every_url_format_shows_its_portal_its_partition_and_perhaps_its_region() {
        for (partition, region, address, _, source) in TABLE {
            let portal = portal(address);
            assert_eq!(portal.partition, partition, "{address} ({source})");
            let is_shown = address.contains(region);
            assert_eq!(
                portal.region.as_deref(),
                is_shown.then_some(region),
                "{address} ({source})"
            );
            let expected = match portal.id {
                PortalId::Store(id) => id == "d-1234567890",
                PortalId::Instance(id) => id == "ssoins-7223a1b2c3d4e5f6",
                PortalId::Custom(of, name) => of == partition && name == "anycompany",
                PortalId::Unknown(_) => false,
            };
            assert!(expected, "{address} ({source})");
        }
        let unknown = "https://sso.example.com/start";
        assert_eq!(portal(unknown).id, PortalId::Unknown(unknown.to_owned()));
    }

    #[test]
    fn a_portal_is_the_same_in_every_spelling_of_its_url() {
        let url = "https://d-1234567890.awsapps.com/start";
        for same in [
            "https://D-1234567890.awsapps.com/start/#/?tab=accounts",
            "https://d-1234567890.awsapps.com/start/",
            "https://start.us-gov-home.awsapps.com/directory/d-1234567890",
        ] {
            assert!(is_same(url, same), "{same}");
        }
        for other in [
            "https://d-1234567891.awsapps.com/start",
            "https://anycompany.awsapps.com/start",
        ] {
            assert!(!is_same(url, other), "{other}");
        }
        assert!(is_same(
            "https://ssoins-1.portal.eu-west-1.app.aws",
            "https://ssoins-1.eu-central-1.portal.amazonaws.com/"
        ));
    }

    #[test]
    fn a_url_can_be_typed_in_short() {
        let url = "https://d-1234567890.awsapps.com/start";
        for typed in [
            url,
            " d-1234567890 ",
            "D-1234567890.awsapps.com",
            "D-1234567890",
            "d-1234567890.awsapps.com/start#/",
            "https://d-1234567890.awsapps.com/",
        ] {
            let completed = completed(typed);
            assert!(completed.eq_ignore_ascii_case(url), "{typed:?}: {completed}");
            assert!(is_same(&completed, url), "{typed:?}");
        }
        let regional = "https://ssoins-1.portal.eu-west-1.app.aws";
        assert_eq!(completed("ssoins-1.portal.eu-west-1.app.aws/"), regional);
        let directory = "https://start.us-gov-home.awsapps.com/directory/d-1";
        assert_eq!(completed(directory), directory);
    }

    #[test]
    fn the_most_likely_url_comes_first() {
        let first = |partition, region: &str| {
            candidates(
                partition,
                &"arn:x:sso:::instance/ssoins-1".parse().unwrap(),
                "d-1",
                &region.parse().unwrap(),
            )
            .remove(0)
        };
        assert_eq!(first(Partition::Aws, "us-east-1"), "https://d-1.awsapps.com/start");
        assert_eq!(
            first(Partition::EuSovereign, "eusc-de-east-1"),
            "https://ssoins-1.eusc-de-east-1.portal.amazonaws.eu"
        );
    }

    #[test]
    fn pages_of_the_console_are_told_from_portals() {
        for address in [
            "https://signin.aws.amazon.com/console",
            "https://eu-west-1.signin.aws.amazon.com/oauth",
            "us-east-1.signin.aws/platform/d-1234567890/login",
            "https://us-east-1.console.aws.amazon.com/singlesignon/home",
        ] {
            assert!(is_of_console(address), "{address}");
            assert!(Key::StartUrl.check(address).is_err(), "{address}");
        }
        for (_, _, address, _, source) in TABLE {
            assert!(!is_of_console(address), "{address} ({source})");
        }
        assert!(!is_of_console("https://mysignin.aws"));
    }
}
