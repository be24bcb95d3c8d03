//! Fuzz targets: each accepts any input, and panics only if an invariant is violated.
//!
//! `fuzz/` runs them with libFuzzer (`cargo fuzz run --sanitizer none --dev config`, which works with a stable
//! toolchain). `cargo test` runs them with the seeds and random bytes.

use std::path::Path;

use crate::access;
use crate::answers;
use crate::progress::Record;
use crate::resources::cli_config;
use crate::sso::pkce;
use aws_config_file::{Config, Section};

/// The config editor: a file that is read is written back unchanged, and edits are idempotent.
///
/// # Panics
/// If a byte is lost, or if repeating an edit changes anything.
pub fn config(bytes: &[u8]) {
    let Ok(mut config) = Config::parse(bytes) else { return };
    assert!(
        config.text().as_bytes() == bytes,
        "a file is not written back unchanged"
    );
    let edit = |config: &mut Config| {
        config.set(Section::SsoSession("s"), &[("sso_region", Some("us-east-1"))]);
        config.set(Section::Profile("p"), &[("sso_session", Some("s")), ("output", None)]);
        config.text()
    };
    let once = edit(&mut config);
    match Config::parse(once.as_bytes()) {
        Ok(mut again) => assert!(edit(&mut again) == once, "repeating an edit changes something"),
        Err(bad) => panic!("an edited file cannot be read: {bad}"),
    }
}

/// The state file: it is read or refused, a record survives writing and reading, and no record can change foreign lines
/// of a config file.
///
/// # Panics
/// If a record does not survive writing and reading, or if a foreign line is lost or added.
pub fn state(bytes: &[u8]) {
    let Ok(record) = serde_json::from_slice::<Record>(bytes) else {
        return;
    };
    let text = serde_json::to_vec(&record).unwrap_or_default();
    let again = serde_json::from_slice::<Record>(&text).ok();
    assert!(
        again.as_ref() == Some(&record),
        "a record does not survive writing and reading"
    );
    for replaced in &record.replaced {
        let Ok(restore) = cli_config::restored(FOREIGN, replaced) else {
            continue;
        };
        let keys = ["region", "output", "sso_region", "sso_session"];
        let foreign = |text: &str| {
            let is_foreign = |line: &&str| !keys.iter().any(|key| line.starts_with(key)) && !line.starts_with("sso_");
            text.lines().filter(is_foreign).map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(
            foreign(&restore) == foreign(FOREIGN),
            "a state file changes foreign lines"
        );
    }
}

/// A foreign config file, with lines that a hostile state file could try to change.
const FOREIGN: &str =
    "[default]\ncredential_process = /bin/theirs\n# theirs\n[profile p]\nregion = a\nmfa_serial = x\n";

/// The answers file: it is read, or refused with the line, and answers survive writing and reading.
///
/// # Panics
/// If answers do not survive writing and reading.
pub fn answers(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(read) = answers::file::parse(text, "idc.toml") else {
        return;
    };
    let values = |rows: Vec<(answers::Key, answers::Answer)>| -> Vec<(answers::Key, String)> {
        let mut rows: Vec<_> = rows.into_iter().map(|(key, answer)| (key, answer.value)).collect();
        rows.sort();
        rows
    };
    let read = values(read);
    let again = answers::file::parse(&answers::file::to_toml(&read), "idc.toml").map(values);
    assert!(
        again.as_ref() == Ok(&read),
        "answers do not survive writing and reading"
    );
}

/// The access file, in each format: it is read, or refused with a place in the file.
///
/// # Panics
/// If it is refused without a reason, or at a place that it does not have.
pub fn access(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let lines = text.matches('\n').count() + 1;
    for name in ["access.toml", "access.yaml", "access.json"] {
        let Err(mistakes) = access::file::parse(Path::new(name), text) else {
            continue;
        };
        assert!(!mistakes.is_empty(), "a file is refused without a reason");
        let own = mistakes.iter().filter(|mistake| mistake.place.file.ends_with(name));
        for mistake in own {
            assert!((1..=lines).contains(&mistake.place.line), "{mistake:?}");
        }
    }
}

/// The callback of the sign-in: only requests with our own state are accepted.
///
/// # Panics
/// If a request without the state is accepted.
pub fn callback(bytes: &[u8]) {
    const STATE: &str = "0123456789abcdef0123456789abcdef0123456789a";
    let text = String::from_utf8_lossy(bytes);
    let (path, query) = text.split_once('?').unwrap_or((&text, ""));
    let is_accepted = pkce::answer_of(true, path, query, STATE).is_some();
    assert!(
        !is_accepted || (query.contains(STATE) && path == "/oauth/callback"),
        "a foreign request is accepted"
    );
}
