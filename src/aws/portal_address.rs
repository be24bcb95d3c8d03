//! The access portal's address. No API returns it; for a `d-…` store it can be derived, and it keeps working
//! after somebody gave the portal a subdomain of its own.

use super::Partition;

/// The start URL that follows from an identity store.
pub fn derive(partition: Partition, identity_store_id: &str) -> String {
    match partition {
        Partition::Aws | Partition::EuSovereign => format!("https://{identity_store_id}.awsapps.com/start"),
        Partition::GovCloud => format!("https://start.us-gov-home.awsapps.com/directory/{identity_store_id}"),
        Partition::China => format!("https://start.home.awsapps.cn/directory/{identity_store_id}"),
    }
}

/// The other addresses a portal may answer at: dual-stack, and further Regions.
pub fn other_forms(instance_arn: &str, region: &str) -> [String; 2] {
    let id = instance_arn.rsplit('/').next().unwrap_or(instance_arn);
    [
        format!("https://{id}.portal.{region}.app.aws"),
        format!("https://{id}.{region}.portal.amazonaws.com"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_form() {
        assert_eq!(
            derive(Partition::Aws, "d-1234567890"),
            "https://d-1234567890.awsapps.com/start"
        );
        assert_eq!(
            derive(Partition::GovCloud, "d-1234567890"),
            "https://start.us-gov-home.awsapps.com/directory/d-1234567890"
        );
        assert_eq!(
            derive(Partition::China, "d-1"),
            "https://start.home.awsapps.cn/directory/d-1"
        );
    }
}
