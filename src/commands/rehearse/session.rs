//! The SSO session in the home folder of a rehearsal.

use std::path::Path;

use aws_config_file::files;

use super::simulation::Rehearsal;
use crate::resources::cli_config::SCOPE;

/// Writes an SSO session of the access portal to a home folder without AWS files: `profiles` works with one that exists.
pub(super) fn add_session(rehearsal: &Rehearsal, home: &Path) -> std::io::Result<()> {
    let folder = home.join(".aws");
    let file = folder.join("config");
    let Some(portal) = rehearsal.portal().filter(|_| !file.exists()) else {
        return Ok(());
    };
    files::make_private_folder(&folder)?;
    let (url, region) = (portal.start_url, portal.region);
    std::fs::write(
        file,
        format!(
            "[sso-session my-sso]\nsso_start_url = {url}\nsso_region = {region}\nsso_registration_scopes = {SCOPE}\n"
        ),
    )
}
