//! Unusual and invalid files: every obstacle is reported with a next command, content of others is kept byte for byte,
//! and nothing panics.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use aws_config_file::{Config, Section};
use idc_setup::answers;
use idc_setup::fuzzing;
use idc_setup::progress::{Progress, Record};
use proptest::prelude::*;

use super::support::{ANSWERS, NON_INTERACTIVE, RunResult, TestEnv, is_mutating};

fn run_without_sign_in(env: &TestEnv) -> RunResult {
    env.json(&[&["run", "--skip=sign-in"], &NON_INTERACTIVE[..], &ANSWERS[..]].concat())
}

#[test]
fn a_folder_in_place_of_a_file_is_reported_before_any_change() {
    let env = TestEnv::new("enabled");
    std::fs::create_dir_all(env.path(".aws/config")).unwrap();
    let result = run_without_sign_in(&env).expect(1);
    let error = result.step("cli-profile")["error"].clone();
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains(".aws/config cannot be read"),
        "{error}"
    );
    assert!(env.path(".aws/config").is_dir());
    let env = TestEnv::new("enabled");
    std::fs::create_dir_all(env.state_file()).unwrap();
    let result = run_without_sign_in(&env).expect(1);
    assert!(!result.envelope()["error"]["next"].as_array().unwrap().is_empty());
    assert!(
        env.server.cloud().permission_sets.is_empty(),
        "nothing is changed if the state cannot be saved"
    );
}

#[test]
fn a_file_in_place_of_a_folder_is_reported() {
    let env = TestEnv::new("enabled");
    std::fs::write(env.path(".aws"), "not a folder").unwrap();
    let result = run_without_sign_in(&env).expect(1);
    assert!(
        result.step("cli-profile")["error"]["message"]
            .as_str()
            .unwrap()
            .contains(".aws"),
        "{}",
        result.summary()
    );
    assert_eq!(std::fs::read_to_string(env.path(".aws")).unwrap(), "not a folder");
    let env = TestEnv::new("enabled");
    std::fs::write(env.path(".local"), "not a folder").unwrap();
    let result = run_without_sign_in(&env).expect(1);
    assert!(
        result.envelope()["error"]["next"].to_string().contains("--state FILE"),
        "{}",
        result.summary()
    );
    assert!(env.server.cloud().permission_sets.is_empty());
}

/// Creates a named pipe with `mkfifo`, because the standard library has no function for it.
fn make_pipe(at: &Path) {
    std::fs::create_dir_all(at.parent().unwrap()).unwrap();
    assert!(Command::new("/usr/bin/mkfifo").arg(at).status().unwrap().success());
}

#[test]
fn a_pipe_in_place_of_an_aws_file_is_reported_without_waiting() {
    for file in [".aws/config", ".aws/credentials"] {
        let env = TestEnv::new("enabled");
        make_pipe(&env.path(file));
        for (command, code) in [("run", 1), ("status", 1), ("undo", 1), ("login", 1), ("doctor", 3)] {
            let start = std::time::Instant::now();
            let result = env.run(&[command, "--non-interactive", "--yes"]).expect(code);
            assert!(start.elapsed().as_secs() < 15, "{command} with {file}");
            let printed = format!("{}{}", result.stdout, result.stderr);
            assert!(
                printed.contains(file) && printed.contains("eplace it with a regular file"),
                "{command}: {printed}"
            );
        }
        assert!(env.server.cloud().permission_sets.is_empty());
    }
}

#[test]
fn an_unreadable_credentials_file_is_not_treated_as_missing() {
    let env = TestEnv::new("enabled");
    std::fs::create_dir_all(env.path(".aws/credentials")).unwrap();
    let result = run_without_sign_in(&env).expect(1);
    let message = result.step("cli-profile")["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(message.contains(".aws/credentials cannot be read"), "{message}");
    assert!(!env.path(".aws/config").exists());
    std::fs::remove_dir(env.path(".aws/credentials")).unwrap();
    std::fs::write(env.path(".aws/credentials"), "[admin]\nsso_account_id = 9\n").unwrap();
    let result = run_without_sign_in(&env).expect(5);
    assert!(
        result
            .step("cli-profile")
            .to_string()
            .contains("has credentials in the section")
    );
    // A section with the profile's name, in unusual notation that AWS tools accept.
    std::fs::write(env.path(".aws/credentials"), "[ admin ] # old\naws_access_key_id = x\n").unwrap();
    let result = run_without_sign_in(&env);
    assert!(
        result
            .step("cli-profile")
            .to_string()
            .contains("has credentials in the section [admin]"),
        "{}",
        result.summary()
    );
}

#[test]
fn a_token_cache_that_others_can_read_is_reported_with_the_chmod_command() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = TestEnv::new("complete");
    let cache = env.path(".aws/sso/cache");
    std::fs::create_dir_all(&cache).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o744)).unwrap();
    let result = env
        .run(&["run", "--non-interactive", "--wait=60s", "--confirm=mfa"])
        .expect(0);
    assert!(result.stderr.contains("(mode 0744)"), "{}", result.stderr);
    assert!(result.stderr.contains("chmod 700 "), "{}", result.stderr);
}

#[test]
fn a_config_behind_a_symlink_is_edited_without_replacing_the_symlink() {
    let env = TestEnv::new("enabled");
    std::fs::create_dir_all(env.path("dotfiles")).unwrap();
    std::fs::create_dir_all(env.path(".aws")).unwrap();
    std::fs::write(env.path("dotfiles/aws"), "[default]\nregion = eu-west-1\n").unwrap();
    std::os::unix::fs::symlink(env.path("dotfiles/aws"), env.path(".aws/config")).unwrap();
    run_without_sign_in(&env).expect(3);
    assert!(
        env.path(".aws/config")
            .symlink_metadata()
            .unwrap()
            .file_type()
            .is_symlink()
    );
    let text = std::fs::read_to_string(env.path("dotfiles/aws")).unwrap();
    assert!(
        text.starts_with("[default]\nregion = eu-west-1\n") && text.contains("[profile admin]"),
        "{text}"
    );
    env.json(&["undo", "--yes"]).expect(0);
    assert_eq!(
        std::fs::read_to_string(env.path("dotfiles/aws")).unwrap(),
        "[default]\nregion = eu-west-1\n"
    );
    assert!(
        env.path(".aws/config")
            .symlink_metadata()
            .unwrap()
            .file_type()
            .is_symlink()
    );
}

#[test]
fn unusual_configs_are_kept_byte_for_byte_or_rejected_with_the_line_number() {
    let large = format!(
        "[profile large]\n{}",
        "# a comment that somebody cares about\n".repeat(130_000)
    );
    assert!(large.len() > 4_900_000);
    for before in [
        "[default]\r\nregion = eu-west-1\r\n",
        "[default]\nregion = eu-west-1",
        "[profile \"quoted name\"]\nregion = x\n",
        "[profile a] ; comment\nregion = x # more\n\tindented = y\n",
        "\n\n\n",
        large.as_str(),
    ] {
        let env = TestEnv::new("enabled");
        env.write_config(before);
        let result = run_without_sign_in(&env);
        let shown: String = before.chars().take(60).collect();
        assert_eq!(result.code, 3, "{shown:?}: {}", result.summary());
        let after = env.config();
        assert!(after.starts_with(before), "{shown:?}");
        assert!(after.contains("[profile admin]"), "{shown:?}");
    }
    for (before, line) in [
        (&b"[default]\nregion = \xff\xfe\n"[..], "line 2"),
        (&b"[default\nregion = x\n"[..], "line 1"),
        // The SDK rejects these files, and so does the wizard, instead of failing at the sign-in.
        (&b"\xef\xbb\xbf[default]\nregion = eu-west-1\n"[..], "line 1"),
        (&b"region = x\n[default]\n"[..], "line 1"),
        (&b"[default]\nregion\n"[..], "line 2"),
        (&b"[default]\n = x\n"[..], "line 2"),
        // The AWS CLI rejects these files.
        (&b"[profile a]\nregion = x\n[profile a]\nregion = y\n"[..], "line 3"),
        (&b"[default]\nregion = x\nregion = y\n"[..], "line 3"),
        // The AWS CLI and the SDKs read these sections differently.
        (&b"[ profile admin ]\n"[..], "line 1"),
        (&b"[profile admin] # was [work]\n"[..], "line 1"),
        (&b"#\n[ sso-session my-sso]\n"[..], "line 2"),
        ("[profile admin]\noutput\u{a0}= json\n".as_bytes(), "line 2"),
        (&b"\n[profile \"admin\"]\n"[..], "line 2"),
        // The AWS CLI ends with an error for each command.
        (&b"[profile admin]\nretry_mode = bogus\n"[..], "line 2"),
        // The AWS CLI inherits these.
        (
            &b"[DEFAULT]\nsso_start_url = https://x.awsapps.com/start\n"[..],
            "line 2",
        ),
        (&b"[profile a]\n[DEFAULT]\nrole_arn = x\n"[..], "line 3"),
    ] {
        let env = TestEnv::new("enabled");
        env.write_config(before);
        let result = run_without_sign_in(&env);
        let message = result.step("cli-profile")["error"]["message"].to_string();
        let shown = String::from_utf8_lossy(before);
        assert!(message.contains(line), "{shown:?}: {message}");
        assert!(!env.server.calls().iter().any(is_mutating), "{shown:?}");
        assert_eq!(std::fs::read(env.path(".aws/config")).unwrap(), before);
    }
}

/// A small file system, which is unmounted when the value is dropped.
struct SmallDisk<'a> {
    at: &'a Path,
}

impl<'a> SmallDisk<'a> {
    /// Mounts a file system. If that is not allowed, prints a warning and returns `None`.
    fn mount(at: &'a Path, options: &str) -> Option<Self> {
        const WHY: &str = "NOT TESTED on a full or read-only disk: no file system can be mounted here";
        std::fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "none"])
            .arg(at)
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self { at });
        }
        assert!(
            std::env::var_os("CI").is_none() || !rustix::process::geteuid().is_root(),
            "{WHY}"
        );
        let _ = writeln!(std::io::stderr(), "\n*** {WHY} ***\n");
        None
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.at).status();
    }
}

/// Runs the binary in a shell after a command of the shell, such as `ulimit -f 8`.
#[cfg(target_os = "linux")]
fn after(first: &str, env: &TestEnv, args: &[&str]) -> std::process::Output {
    let plain = env.command(args);
    Command::new("sh")
        .args(["-c", &format!("{first}; exec \"$0\" \"$@\"")])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .output()
        .unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_limit_of_the_file_size_is_an_error_and_not_a_crash() {
    let env = TestEnv::new("enabled");
    let args = [&["run"], &NON_INTERACTIVE[..], &ANSWERS[..]].concat();
    // A block has 512 or 1024 bytes, and the state file becomes larger than two.
    let output = after("ulimit -f 2", &env, &args);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("File too large"));
    env.run_setup(&[]).expect(0);
}

#[cfg(target_os = "linux")]
#[test]
fn no_core_file_can_hold_credentials() {
    let env = TestEnv::new("enabled");
    let held = env.hold("GetCallerIdentity", 1, idc_sim::FaultKind::HoldBefore);
    let mut child = env.spawn(&["status"]);
    held.wait_until_reached();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    held.release();
    child.wait().unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_is_not_unicode_is_not_taken_for_another_one() {
    use std::os::unix::ffi::OsStringExt as _;
    let env = TestEnv::new("enabled");
    let odd = std::ffi::OsString::from_vec([env.home.path().as_os_str().as_encoded_bytes(), b"/\xff"].concat());
    let mut command = env.command(&["run", "--non-interactive", "--state"]);
    let output = command.arg(&odd).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for name in ["AWS_CONFIG_FILE", "XDG_STATE_HOME"] {
        let output = env
            .command(&["run", "--non-interactive"])
            .env(name, &odd)
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{printed}");
        assert!(printed.contains(&format!("{name} is not valid UTF-8")), "{printed}");
    }
    assert!(env.server.calls().is_empty());
}

#[test]
fn a_config_that_is_mounted_is_reported_before_any_change() {
    let env = TestEnv::new("enabled");
    let (config, source) = (env.path(".aws/config"), env.path("source"));
    env.write_config("[default]\n");
    std::fs::write(&source, "[default]\n").unwrap();
    let mounted = Command::new("mount").arg("--bind").arg(&source).arg(&config).status();
    if !mounted.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none() || !rustix::process::geteuid().is_root());
        return;
    }
    let _mount = SmallDisk { at: &config };
    let result = run_without_sign_in(&env).expect(1);
    let error = result.step("cli-profile")["error"].to_string();
    assert!(error.contains("it is a mount point"), "{error}");
    assert!(error.contains("AWS_CONFIG_FILE"), "{error}");
    assert!(!env.server.calls().iter().any(is_mutating));
    let doctor = env.json(&["doctor"]).expect(3);
    assert!(doctor.stdout.contains("it is a mount point"), "{}", doctor.stdout);
}

#[test]
fn a_full_disk_loses_nothing_and_the_next_run_with_free_space_completes() {
    let mut env = TestEnv::new("enabled");
    let small = env.path("small");
    // Enough space for the lock, but not for the state file and its temporary copy.
    let Some(disk) = SmallDisk::mount(&small, "size=8k") else {
        return;
    };
    env.set("XDG_STATE_HOME", small.to_str().unwrap());
    let result = run_without_sign_in(&env);
    assert_eq!(result.code, 1, "{}", result.summary());
    assert!(!result.stderr.contains("panicked"), "{}", result.stderr);
    let envelope = result.envelope();
    let errors: Vec<String> = std::iter::once(&envelope["error"])
        .chain(envelope["steps"].as_array().unwrap().iter().map(|step| &step["error"]))
        .filter_map(|error| error["message"].as_str().map(str::to_owned))
        .collect();
    assert!(
        errors.iter().any(|error| error.contains("cannot be written")),
        "{errors:?}"
    );
    drop(disk);
    std::fs::create_dir_all(&small).unwrap();
    let result = run_without_sign_in(&env);
    assert_eq!(result.code, 3, "{}", result.summary());
    let cloud = env.server.cloud();
    assert_eq!(cloud.permission_sets.len(), 1);
    assert!(cloud.instances[0].store.users.len() == 1 && cloud.instances[0].store.groups.len() == 1);
}

#[test]
fn a_read_only_home_is_reported_before_any_change() {
    let mut env = TestEnv::new("enabled");
    let home = env.path("home");
    let Some(_disk) = SmallDisk::mount(&home, "ro,size=64k") else {
        return;
    };
    env.set("HOME", home.to_str().unwrap());
    let result = run_without_sign_in(&env);
    assert_eq!(result.code, 1, "{}", result.summary());
    assert!(
        result.envelope()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("cannot be written"),
        "{}",
        result.summary()
    );
    assert!(env.server.cloud().permission_sets.is_empty());
}

/// A function that is tested with arbitrary bytes.
type Target = fn(&[u8]);

/// The fuzz targets, by the name of the folder that contains their seeds.
const TARGETS: [(&str, Target); 5] = [
    ("config", fuzzing::config),
    ("state", fuzzing::state),
    ("answers", fuzzing::answers),
    ("callback", fuzzing::callback),
    ("access", fuzzing::access),
];

#[test]
fn fuzz_targets_hold_for_their_seeds() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let seeds: Vec<_> = std::fs::read_dir(&folder).unwrap().flatten().collect();
        assert!(seeds.len() >= 2, "{name}");
        for seed in seeds {
            let bytes = std::fs::read(seed.path()).unwrap();
            target(&bytes);
            let is_whole = !["cut", "empty"].contains(&seed.file_name().to_str().unwrap());
            if name == "state" && is_whole {
                // Otherwise, the target would not get beyond the parser.
                serde_json::from_slice::<Record>(&bytes).unwrap();
            }
            // Also truncate each seed, and change single bytes.
            for at in 0..bytes.len().min(400) {
                target(&bytes[..at]);
                let mut changed = bytes.clone();
                changed[at] ^= 0x15;
                target(&changed);
            }
        }
    }
}

proptest! {
    #[test]
    fn fuzz_targets_hold_for_arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for (_, target) in TARGETS {
            target(&bytes);
        }
    }

    #[test]
    fn files_with_arbitrary_content_are_read_or_rejected(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, &bytes).unwrap();
        let _ = answers::file::read(&path);
        let _ = Progress::read_file(&path);
        if let Ok(mut config) = Config::parse(&bytes) {
            prop_assert!(config.text().into_bytes() == bytes);
            config.set(Section::Profile("p"), &[("region", Some("x"))]);
            let text = config.text();
            let again = Config::parse(text.as_bytes()).unwrap();
            prop_assert!(again.get(Section::Profile("p")).unwrap()["region"] == "x");
        }
    }

    #[test]
    fn nearly_valid_files_are_read_or_rejected(text in "(\\[(profile |sso-session )?[a-z\"\\] ]{0,6}\\]?|[a-z]{0,4} ?=? ?[a-z#;]{0,4}|\\{\"format\": ?[0-9]{0,3}|\u{feff}| |\r|\n){0,12}") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, &text).unwrap();
        let _ = answers::file::read(&path);
        let _ = Progress::read_file(&path);
        if let Ok(mut config) = Config::parse(text.as_bytes()) {
            config.set(Section::SsoSession("s"), &[("sso_region", Some("x"))]);
            let once = config.text();
            let mut again = Config::parse(once.as_bytes()).unwrap();
            again.set(Section::SsoSession("s"), &[("sso_region", Some("x"))]);
            prop_assert_eq!(again.text(), once, "a second edit changes nothing");
        }
    }
}

#[test]
fn an_invalid_config_is_reported_before_the_account_is_changed() {
    for text in ["\u{feff}[default]\n", "[default\n", "[a]\rregion = x\r"] {
        let env = TestEnv::new("enabled");
        env.write_config(text);
        let result = env.run_setup(&[]).expect(1);
        let message = result.step("cli-profile")["error"]["message"].to_string();
        assert!(message.contains("config cannot be used: line 1"), "{text:?}: {message}");
        assert!(!env.server.calls().iter().any(is_mutating), "{text:?}");
        assert_eq!(env.config(), text);
    }
}
