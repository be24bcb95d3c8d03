//! The config file as the AWS SDK reads it. Programs that are built on the SDK cannot use a file that it rejects.

use std::error::Error;

use aws_config::profile::{ProfileSet, load};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};

/// Reads the text of a config file with the parser of the AWS SDK.
///
/// # Errors
/// What is wrong with the text, with the line number.
pub async fn parse_with_sdk(text: &str) -> Result<ProfileSet, String> {
    if text.starts_with('\u{feff}') {
        let why = "line 1 starts with a byte order mark, which no AWS tool reads (save the file as UTF-8 without one)";
        return Err(why.to_owned());
    }
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, text)
        .build();
    load(&Fs::from_slice(&[]), &Env::from_slice(&[]), &files, None)
        .await
        .map_err(|error| {
            let innermost = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            // The format is `error parsing <place> on line 3: …`.
            let why = innermost.split_once(" on line ").map(|(_, why)| why);
            why.and_then(|why| why.split_once(':')).map_or_else(
                || innermost.clone(),
                |(line, why)| format!("line {line} cannot be read ({})", why.trim()),
            )
        })
}
