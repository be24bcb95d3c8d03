//! What only the system calls show: that what was written survives a crash of the machine, and who could read it in the
//! meantime.

#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::Value;

use super::support::kill_points::{is_traceable, traced};
use super::support::{ANSWERS, NON_INTERACTIVE, TestEnv};

/// What a run asked the system to do.
#[derive(Debug)]
enum Event {
    /// A new file, with its mode.
    Created(PathBuf, u32),
    /// An existing file was opened to be written.
    OpenedToWrite(PathBuf),
    /// A new folder, with its mode.
    NewFolder(PathBuf, u32),
    /// Bytes that were written to a file.
    Written(PathBuf, Vec<u8>),
    Synced(PathBuf),
    Renamed(PathBuf, PathBuf),
    Deleted(PathBuf),
    /// The operation of a request to AWS, such as `CreateGroup`.
    Requested(String),
}

/// The events of a run below its home folder, in order.
struct Trace {
    events: Vec<Event>,
}

impl Trace {
    /// Runs the binary under strace, and expects it to succeed.
    fn of(env: &TestEnv, args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("strace.log");
        let calls = "trace=openat,mkdir,mkdirat,write,writev,sendto,sendmsg,fsync,fdatasync,rename,renameat,renameat2,\
                     unlink,unlinkat";
        let flags = ["-y", "-xx", "-s", "1000000", "-o", log.to_str().unwrap(), "-e", calls];
        let status = traced(env, args, &flags).status().unwrap();
        assert!(status.success(), "{status}");
        let home = env.home.path().canonicalize().unwrap();
        let text = std::fs::read_to_string(&log).unwrap();
        let events = whole_lines(&text)
            .iter()
            .filter_map(|line| event(line, &home))
            .collect();
        Self { events }
    }

    /// The index of the first event from `start` that fits.
    fn next(&self, start: usize, fits: impl Fn(&Event) -> bool) -> Option<usize> {
        let later = self.events.iter().enumerate().skip(start);
        later
            .map(|(index, event)| (index, fits(event)))
            .find_map(|(index, fits)| fits.then_some(index))
    }

    fn is_synced(&self, path: &Path, start: usize, end: usize) -> bool {
        self.next(start, |event| matches!(event, Event::Synced(synced) if synced == path))
            .is_some_and(|index| index < end)
    }

    /// Asserts that a file is complete on the disk before it replaces another, and the replacement before the next one in
    /// the same folder; and the same for deletions and new folders. Other threads send requests meanwhile.
    fn assert_durable(&self) {
        for (index, event) in self.events.iter().enumerate() {
            let changed = match event {
                Event::Renamed(from, to) => {
                    let written = self.events[..index].iter().rposition(
                        |event| matches!(event, Event::Created(path, _) | Event::Written(path, _) if path == from),
                    );
                    let written = written.expect("only a file of this run is renamed");
                    assert!(self.is_synced(from, written, index), "{} is not synced", from.display());
                    to
                }
                Event::Deleted(path) | Event::NewFolder(path, _) => path,
                _ => continue,
            };
            let next = self.next(index + 1, |event| match event {
                Event::Renamed(_, path) | Event::Deleted(path) => path.parent() == changed.parent(),
                _ => false,
            });
            let folder = changed.parent().unwrap();
            assert!(
                self.is_synced(folder, index, next.unwrap_or(self.events.len())),
                "the folder of {} is not synced after: {event:?}",
                changed.display()
            );
        }
    }

    /// Asserts that nobody else could read a file or a folder at any time, and that no file was changed in place.
    fn assert_private(&self) {
        for event in &self.events {
            match event {
                Event::Created(path, mode) => assert_eq!(*mode, 0o600, "{}", path.display()),
                Event::NewFolder(path, mode) => assert_eq!(*mode, 0o700, "{}", path.display()),
                Event::OpenedToWrite(path) => {
                    let is_lock = path.extension().is_some_and(|extension| extension == "lock");
                    assert!(is_lock, "{} is changed in place", path.display());
                }
                _ => {}
            }
        }
    }

    /// Whether the state file on the disk had an open intent with this kind and verb when an operation was requested.
    fn has_intent(&self, state: &Path, operation: &str, kind: &str, verb: &str) -> bool {
        let request = |event: &Event| matches!(event, Event::Requested(requested) if requested == operation);
        let request = self
            .next(0, request)
            .unwrap_or_else(|| panic!("{operation} is not requested"));
        let is_saved = |(index, event): (usize, &Event)| {
            let Event::Renamed(from, to) = event else { return false };
            if to != state || !self.is_synced(state.parent().unwrap(), index, request) {
                return false;
            }
            let written = self.events[..index].iter().filter_map(|event| match event {
                Event::Written(path, bytes) if path == from => Some(bytes.as_slice()),
                _ => None,
            });
            let saved: Value = serde_json::from_slice(&written.collect::<Vec<_>>().concat()).unwrap();
            let intents = saved["intents"].as_array().unwrap();
            intents
                .iter()
                .any(|intent| intent["kind"] == kind && intent["verb"] == verb)
        };
        self.events[..request].iter().enumerate().any(is_saved)
    }
}

/// The lines of a log, with calls that were interrupted by another thread put together where they end.
fn whole_lines(log: &str) -> Vec<String> {
    let mut unfinished: BTreeMap<&str, &str> = BTreeMap::new();
    let mut lines = Vec::new();
    for line in log.lines() {
        let (process, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        if let Some(start) = call.strip_suffix(" <unfinished ...>") {
            unfinished.insert(process, start);
        } else if call.starts_with("<... ") {
            let end = call.split_once(" resumed>").unwrap().1;
            lines.push(format!("{}{end}", unfinished.remove(process).unwrap_or_default()));
        } else {
            lines.push(call.to_owned());
        }
    }
    lines
}

/// The bytes of a string as strace prints it: each as `\x` and two digits.
fn bytes(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect()
}

fn event(line: &str, home: &Path) -> Option<Event> {
    let (call, result) = line.rsplit_once(" = ")?;
    if result.starts_with('-') {
        return None;
    }
    let (name, arguments) = call.split_once('(')?;
    let strings: Vec<Vec<u8>> = Regex::new("\"([^\"]*)\"")
        .unwrap()
        .captures_iter(arguments)
        .map(|found| bytes(&found[1]))
        .collect();
    let path = |index: usize| {
        let path = PathBuf::from(String::from_utf8(strings.get(index)?.clone()).ok()?);
        path.starts_with(home).then_some(path)
    };
    // `5<path>`, with the path in the same form as strings.
    let open = || {
        let path = arguments.split_once('<')?.1.split_once('>')?.0;
        let path = if path.starts_with("\\x") {
            String::from_utf8(bytes(path)).ok()?
        } else {
            path.to_owned()
        };
        Some(PathBuf::from(path)).filter(|path| path.starts_with(home))
    };
    let mode = || u32::from_str_radix(arguments.trim_end_matches(')').rsplit_once(", ")?.1, 8).ok();
    match name {
        "openat" if arguments.contains("O_CREAT") && arguments.contains("O_EXCL") => {
            Some(Event::Created(path(0)?, mode()?))
        }
        "openat" if arguments.contains("O_WRONLY") || arguments.contains("O_RDWR") => {
            Some(Event::OpenedToWrite(path(0)?))
        }
        "mkdir" | "mkdirat" => Some(Event::NewFolder(path(0)?, mode()?)),
        "fsync" | "fdatasync" => Some(Event::Synced(open()?)),
        "rename" | "renameat" | "renameat2" => Some(Event::Renamed(path(0)?, path(1)?)),
        "unlink" | "unlinkat" => Some(Event::Deleted(path(0)?)),
        _ => {
            let written = strings.concat();
            if let Some(path) = open() {
                return Some(Event::Written(path, written));
            }
            let text = String::from_utf8_lossy(&written).to_ascii_lowercase();
            let target = text.split_once("x-amz-target: ")?.1.lines().next()?.to_owned();
            Some(Event::Requested(target.rsplit('.').next()?.to_owned()))
        }
    }
}

#[test]
fn what_was_written_survives_a_crash_of_the_machine() {
    if !is_traceable() {
        return;
    }
    let env = TestEnv::new("enabled");
    let state = env.home.path().canonicalize().unwrap().join(env.state_file());
    let trace = Trace::of(&env, &[&NON_INTERACTIVE[..], &ANSWERS].concat());
    trace.assert_durable();
    trace.assert_private();
    let replaced: BTreeSet<String> = trace
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Renamed(_, to) => Some(to.file_name()?.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect();
    assert!(replaced.contains("config") && replaced.len() >= 4, "{replaced:?}");
    for (operation, kind) in [
        ("createuser", "user"),
        ("creategroup", "group"),
        ("creategroupmembership", "group_membership"),
        ("createpermissionset", "permission_set"),
        ("createaccountassignment", "account_assignment"),
    ] {
        assert!(trace.has_intent(&state, operation, kind, "create"), "{kind}");
    }

    let trace = Trace::of(&env, &["undo", "--yes"]);
    trace.assert_durable();
    trace.assert_private();
    let deleted = trace
        .events
        .iter()
        .filter(|event| matches!(event, Event::Deleted(_)))
        .count();
    assert!(deleted >= 3, "the token, the registration and the config: {deleted}");
    for (operation, kind) in [
        ("deleteaccountassignment", "account_assignment"),
        ("deletepermissionset", "permission_set"),
        ("deletegroup", "group"),
        ("deleteuser", "user"),
    ] {
        assert!(trace.has_intent(&state, operation, kind, "delete"), "{kind}");
    }
}
