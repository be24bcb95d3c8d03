//! The access portal's address. No API returns it; it can be made from the instance, in one of a few forms, and which of
//! them answers is asked of sso-oidc. A subdomain of somebody's own cannot be found out: a person pastes it.

use super::Partition;

/// The addresses that an instance's portal may have, the likeliest first.
///
/// For a `d-…` store the first keeps working after somebody gave the portal a subdomain of its own, or added Regions.
pub fn candidates(partition: Partition, instance_arn: &str, identity_store_id: &str, region: &str) -> Vec<String> {
    let id = instance_arn.rsplit('/').next().unwrap_or(instance_arn);
    let suffix = partition.dns_suffix();
    // "AWS access portal endpoints in the primary and additional AWS Regions" (IAM Identity Center User Guide).
    let of_region = format!("https://{id}.{region}.portal.{suffix}");
    let dual_stack = |domain: &str| format!("https://{id}.portal.{region}.app.{domain}");
    match partition {
        Partition::Aws => vec![
            format!("https://{identity_store_id}.awsapps.com/start"),
            dual_stack("aws"),
            of_region,
        ],
        Partition::GovCloud => vec![
            format!("https://start.us-gov-home.awsapps.com/directory/{identity_store_id}"),
            dual_stack("aws"),
            of_region,
        ],
        Partition::China => vec![
            format!("https://start.home.awsapps.cn/directory/{identity_store_id}"),
            format!("https://start.{region}.home.awsapps.cn/directory/{identity_store_id}"),
            dual_stack("amazonwebservices.com.cn"),
            of_region,
        ],
        // It came after the older forms, and has none of them.
        Partition::EuSovereign => vec![of_region, dual_stack("amazonwebservices.eu")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Key;
    use crate::browser::Browser;

    /// Partition, Region, address, whether it is made from the instance (else a person pastes it), source.
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
    fn every_form_of_an_address_is_made_or_taken_and_may_be_opened_in_its_partition_alone() {
        for (partition, region, address, is_made, source) in TABLE {
            let arn = format!("arn:{}:sso:::instance/ssoins-7223a1b2c3d4e5f6", partition.id());
            let made = candidates(partition, &arn, "d-1234567890", region);
            assert_eq!(
                made.contains(&address.to_owned()),
                is_made,
                "{address} ({source}): {made:?}"
            );
            assert_eq!(Key::StartUrl.check(address).as_deref(), Ok(address), "{source}");
            let may_open_in = |partition| {
                let browser = Browser::none("a test");
                browser.keep_to(partition);
                browser.may_open(address)
            };
            assert!(may_open_in(partition), "{address} ({source})");
            // Some of GovCloud's pages are under names of the commercial partition; the others have nothing in common.
            let others = [Partition::Aws, Partition::China, Partition::EuSovereign];
            for other in others.into_iter().filter(|other| *other != partition) {
                let is_shared =
                    partition == Partition::GovCloud && other == Partition::Aws && !address.contains("us-gov-home");
                assert_eq!(may_open_in(other), is_shared, "{address} in {other}");
            }
        }
    }

    #[test]
    fn the_likeliest_address_comes_first() {
        let first = |partition, region| candidates(partition, "arn:x:sso:::instance/ssoins-1", "d-1", region).remove(0);
        assert_eq!(first(Partition::Aws, "us-east-1"), "https://d-1.awsapps.com/start");
        assert_eq!(
            first(Partition::EuSovereign, "eusc-de-east-1"),
            "https://ssoins-1.eusc-de-east-1.portal.amazonaws.eu"
        );
    }
}
