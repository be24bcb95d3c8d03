//! What several pages share: addresses in the console, and who does the tasks.

use crate::state::{Cloud, Instance, PersonKind};

/// The path of the start page of Identity Center.
pub const HOME: &str = "/console/singlesignon/home";

/// Returns the path under which the pages of an instance are.
pub fn instance_path(instance: &Instance) -> String {
    format!("{HOME}/instances/{}", instance.id().trim_start_matches("ssoins-"))
}

/// Returns who does the tasks that need a person, unless it is the user of the pages.
pub fn person_note(cloud: &Cloud) -> Option<&'static str> {
    match cloud.person.kind {
        PersonKind::Auto => {
            Some("A simulated person does these tasks automatically, shortly after a program starts to wait for them.")
        }
        PersonKind::Pages => None,
        PersonKind::Never => Some("Nobody does the tasks that need a person."),
    }
}
