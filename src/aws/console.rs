//! Pages of the AWS console that a user has to open: the deep link, the way without it, and what to choose there.
//!
//! Deep links into the console are undocumented and may change, so the way without the link can always be shown as well.

use super::Partition;
use crate::ids::{InstanceArn, RegionName, UserId};

/// A page of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The link.
    pub link: String,
    /// The way to the page from the console's home page.
    pub path: String,
    /// What to choose on the page, in this order.
    pub choices: Vec<String>,
}

impl Place {
    /// The way to the page and what to choose there, for those without the link: `console → Settings → Enable`.
    pub fn clicks(&self) -> String {
        arrows(&self.path, &self.choices)
    }
}

/// A path and choices, joined by arrows.
pub fn arrows(path: &str, choices: &[String]) -> String {
    let parts: Vec<&str> = std::iter::once(path)
        .chain(choices.iter().map(String::as_str))
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(" → ")
}

/// Creates links to the console.
#[derive(Debug, Clone)]
pub struct Console {
    base: Option<String>,
}

impl Console {
    /// Links to the AWS console.
    pub fn real() -> Self {
        Self { base: None }
    }

    /// Links to the pages of the rehearsal.
    pub fn rehearsal(url: &str) -> Self {
        Self {
            base: Some(format!("{url}/console")),
        }
    }

    /// The access portal; in a rehearsal, the page that simulates it.
    pub fn portal(&self, address: &str) -> String {
        match &self.base {
            Some(base) => format!("{}/portal/start", base.trim_end_matches("/console")),
            None => address.to_owned(),
        }
    }

    /// The page with the **Enable** button, in the requested Region.
    pub fn enable(&self, region: &RegionName) -> Place {
        Place {
            link: self.identity_center(region, "#!/"),
            path: format!("console, Region {region} (top right) → IAM Identity Center"),
            choices: vec!["Enable".to_owned()],
        }
    }

    /// The list of users, with *Add user*.
    pub fn users(&self, region: &RegionName, instance: &InstanceArn) -> Place {
        Place {
            link: self.identity_center(region, &format!("#!/instances/{}/users", instance.short_id())),
            path: format!("console, Region {region} → IAM Identity Center → Users"),
            choices: vec!["Add user".to_owned()],
        }
    }

    /// A user, with *Reset password*.
    pub fn user(&self, region: &RegionName, instance: &InstanceArn, user: &UserId) -> Place {
        let path = format!("#!/instances/{}/users/user-details/{user}", instance.short_id());
        Place {
            link: self.identity_center(region, &path),
            path: format!("console, Region {region} → IAM Identity Center → Users → the user"),
            choices: vec!["Reset password".to_owned()],
        }
    }

    /// The settings of the instance, with authentication and MFA.
    pub fn settings(&self, region: &RegionName, instance: &InstanceArn) -> Place {
        let path = format!("#!/instances/{}/settings", instance.short_id());
        Place {
            link: self.identity_center(region, &path),
            path: format!("console, Region {region} → IAM Identity Center → Settings"),
            choices: vec!["Authentication".to_owned(), "Multi-factor authentication".to_owned()],
        }
    }

    /// The security credentials of the root user.
    pub fn root_security(&self, region: &RegionName) -> Place {
        Place {
            link: format!("{}/iam/security_credentials", self.host(region)),
            path: "console, as the root user → account name (top right) → Security credentials".to_owned(),
            choices: Vec::new(),
        }
    }

    /// The page of AWS Organizations that enables all features.
    pub fn organization_settings(&self, region: &RegionName) -> Place {
        let host = self.host(region);
        Place {
            link: format!("{host}/organizations/v2/home/settings"),
            path: "console → AWS Organizations → Settings".to_owned(),
            choices: vec!["Enable all features".to_owned()],
        }
    }

    fn identity_center(&self, region: &RegionName, fragment: &str) -> String {
        match &self.base {
            // Browsers do not send the fragment, but the rehearsal's server needs the path.
            Some(base) => {
                let path = fragment.trim_start_matches("#!").trim_end_matches('/');
                format!("{base}/singlesignon/home{path}?region={region}")
            }
            None => format!("{}/singlesignon/home?region={region}{fragment}", self.host(region)),
        }
    }

    fn host(&self, region: &RegionName) -> String {
        if let Some(base) = &self.base {
            return base.clone();
        }
        match Partition::of_region(region) {
            Partition::Aws => format!("https://{region}.console.aws.amazon.com"),
            Partition::China => format!("https://{region}.console.amazonaws.cn"),
            Partition::GovCloud => format!("https://{region}.console.amazonaws-us-gov.com"),
            Partition::EuSovereign => format!("https://{region}.console.amazonaws-eusc.eu"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_name_the_region_twice_and_the_instance_by_its_digits() {
        let console = Console::real();
        assert_eq!(
            console.enable(&"ap-southeast-6".parse().unwrap()).link,
            "https://ap-southeast-6.console.aws.amazon.com/singlesignon/home?region=ap-southeast-6#!/"
        );
        let place = console.user(
            &"us-east-1".parse().unwrap(),
            &"arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6".parse().unwrap(),
            &"u-1".parse().unwrap(),
        );
        assert!(
            place
                .link
                .ends_with("#!/instances/7223a1b2c3d4e5f6/users/user-details/u-1"),
            "{}",
            place.link
        );
    }
}
