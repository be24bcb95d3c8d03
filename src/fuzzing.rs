//! What is tried with bytes of anybody's: each target takes any input, and panics only where a promise is broken.
//!
//! `fuzz/` runs them under libFuzzer (`cargo fuzz run --sanitizer none --dev config`, which a stable toolchain can);
//! `cargo test` runs the seeds and random bytes.

use crate::answers;
use crate::progress::Record;
use crate::sso::pkce;
use crate::steps::cli_profile;
use aws_config_file::{Config, Section};

/// The config editor: what is read is written back as it was, and editing twice is editing once.
///
/// # Panics
/// When a byte is lost, or a second edit changes anything.
pub fn config(bytes: &[u8]) {
    let Ok(mut config) = Config::parse(bytes) else { return };
    assert!(config.text().as_bytes() == bytes, "what is read is not written back");
    let edit = |config: &mut Config| {
        config.set(Section::SsoSession("s"), &[("sso_region", Some("us-east-1"))]);
        config.set(Section::Profile("p"), &[("sso_session", Some("s")), ("output", None)]);
        config.text()
    };
    let once = edit(&mut config);
    match Config::parse(once.as_bytes()) {
        Ok(mut again) => assert!(edit(&mut again) == once, "a second edit changes something"),
        Err(bad) => panic!("an edited file cannot be read: {bad}"),
    }
}

/// The state file: read or refused, what is read is written so that it is read again, and nothing that it says can have
/// somebody else's lines of a config file changed.
///
/// # Panics
/// When a record that was read cannot be written and read again, or a foreign line is lost or made.
pub fn state(bytes: &[u8]) {
    let Ok(record) = serde_json::from_slice::<Record>(bytes) else {
        return;
    };
    let text = serde_json::to_vec(&record).unwrap_or_default();
    let again = serde_json::from_slice::<Record>(&text).ok();
    assert!(
        again.as_ref() == Some(&record),
        "a record does not survive being written"
    );
    for replaced in &record.replaced {
        let Ok(restore) = cli_profile::restore(FOREIGN, replaced) else {
            continue;
        };
        let keys = ["region", "output", "sso_region", "sso_session"];
        let foreign = |text: &str| {
            let is_foreign = |line: &&str| !keys.iter().any(|key| line.starts_with(key)) && !line.starts_with("sso_");
            text.lines().filter(is_foreign).map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(
            foreign(&restore) == foreign(FOREIGN),
            "a state file changes what is somebody else's"
        );
    }
}

/// A config file of somebody's, with what a hostile state file could want to change.
const FOREIGN: &str =
    "[default]\ncredential_process = /bin/theirs\n# theirs\n[profile p]\nregion = a\nmfa_serial = x\n";

/// The answers file: read or refused with its line, and what is read comes out as a file that is read the same.
///
/// # Panics
/// When answers that were read do not survive being written.
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
    assert!(again.as_ref() == Ok(&read), "answers do not survive being written");
}

/// The sign-in's callback: nothing without our own state counts.
///
/// # Panics
/// When a request without the state is taken.
pub fn callback(bytes: &[u8]) {
    const STATE: &str = "0123456789abcdef0123456789abcdef0123456789a";
    let text = String::from_utf8_lossy(bytes);
    let (path, query) = text.split_once('?').unwrap_or((&text, ""));
    let taken = pkce::answer_of(true, path, query, STATE).is_some();
    assert!(
        !taken || (query.contains(STATE) && path == "/oauth/callback"),
        "a stranger's request is taken"
    );
}
