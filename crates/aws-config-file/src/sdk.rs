//! The config file as the SDK reads it: what it does not read, no program that is built on it can use.

use std::error::Error;

use aws_config::profile::{ProfileSet, load};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};

/// Reads a config file's text with the SDK's own parser.
///
/// # Errors
/// What is wrong with it, with its line.
pub async fn parse_with_sdk(text: &str) -> Result<ProfileSet, String> {
    if text.starts_with('\u{feff}') {
        let why = "line 1 begins with a byte order mark, which no AWS tool reads (save the file as UTF-8 without one)";
        return Err(why.to_owned());
    }
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, text)
        .build();
    load(&Fs::from_slice(&[]), &Env::from_slice(&[]), &files, None)
        .await
        .map_err(|error| {
            let innermost = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            // `error parsing <place> on line 3: …`
            let why = innermost.split_once(" on line ").map(|(_, why)| why);
            why.and_then(|why| why.split_once(':')).map_or_else(
                || innermost.clone(),
                |(line, why)| format!("line {line} cannot be read ({})", why.trim()),
            )
        })
}
