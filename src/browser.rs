//! Opens pages in the user's browser: whether there is one on this machine, which program opens it, and which URLs are
//! allowed.
//!
//! Programs are run by their absolute path, found in the absolute folders of `PATH`: never a program from the current
//! folder.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::aws::Partition;
use crate::environment::Environment;

/// A browser, or the reason why there is none.
#[derive(Debug)]
pub struct Browser {
    opener: Result<Opener, String>,
    /// The base URL of the pages of a rehearsal.
    rehearsal: Option<String>,
    /// The partition whose pages may be opened, once it is known.
    partition: Cell<Option<Partition>>,
    opened: RefCell<Vec<String>>,
    /// A page, and the page of this program that redirects to it.
    instead: RefCell<Option<(String, String)>>,
}

/// The program that opens pages.
#[derive(Debug, Clone)]
struct Opener {
    program: PathBuf,
    /// The arguments before the URL. If an argument contains `%s`, the URL replaces it instead.
    arguments: Vec<String>,
    /// Whether the browser can reach a port of this machine, so that a sign-in can be redirected to us.
    is_local: bool,
}

impl Browser {
    /// No browser, for this reason.
    pub fn none(why: &str) -> Self {
        Self::with(Err(why.to_owned()), None)
    }

    /// The user's browser, unless it is not wanted. `rehearsal` is the base URL of the rehearsal, if this is one.
    pub fn of(environment: &Environment, is_wanted: bool, rehearsal: Option<&str>) -> Self {
        let opener = if is_wanted {
            find(environment)
        } else {
            Err("--no-browser".to_owned())
        };
        Self::with(opener, rehearsal)
    }

    fn with(opener: Result<Opener, String>, rehearsal: Option<&str>) -> Self {
        Self {
            opener,
            rehearsal: rehearsal.map(str::to_owned),
            partition: Cell::new(None),
            opened: RefCell::default(),
            instead: RefCell::default(),
        }
    }

    /// Opens a page of this program instead of a page that it redirects to, whose URL must not be on a command line.
    pub fn open_instead(&self, address: &str, local: &str) {
        self.instead.replace(Some((address.to_owned(), local.to_owned())));
    }

    /// Opens only pages of this partition from now on.
    pub fn restrict_to(&self, partition: Partition) {
        self.partition.set(Some(partition));
    }

    /// Why no page can be opened; `None` if pages can be opened.
    pub fn why_unavailable(&self) -> Option<&str> {
        self.opener.as_ref().err().map(String::as_str)
    }

    /// Whether a page in the browser can be redirected to a port of this machine.
    pub fn is_local(&self) -> bool {
        self.opener.as_ref().is_ok_and(|opener| opener.is_local)
    }

    /// Opens a page of AWS or of the rehearsal, once. Returns whether the program was started, now or earlier.
    pub fn open(&self, address: &str) -> bool {
        let Ok(opener) = &self.opener else {
            return false;
        };
        let is_opened = self.opened.borrow().iter().any(|opened| opened == address);
        if is_opened || !self.may_open(address) {
            return is_opened;
        }
        let instead = self.instead.borrow();
        let page = match instead.as_ref() {
            Some((other, local)) if other == address => local,
            _ => address,
        };
        let mut command = Command::new(&opener.program);
        let has_placeholder = opener.arguments.iter().any(|argument| argument.contains("%s"));
        command.args(opener.arguments.iter().map(|argument| argument.replace("%s", page)));
        if !has_placeholder {
            command.arg(page);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let is_started = command.spawn().is_ok();
        if is_started {
            self.opened.borrow_mut().push(address.to_owned());
        }
        is_started
    }

    /// Opens a page again, because the user asked for it. Returns whether the program was started.
    pub fn reopen(&self, address: &str) -> bool {
        self.opened.borrow_mut().retain(|opened| opened != address);
        self.open(address)
    }

    /// Whether the URL belongs to AWS in this partition, or to the rehearsal.
    pub fn may_open(&self, address: &str) -> bool {
        // A browser could take a control character or a space for something else than a part of the URL.
        if !address.bytes().all(|byte| byte.is_ascii_graphic()) {
            return false;
        }
        if let Some(rehearsal) = &self.rehearsal {
            return address
                .strip_prefix(rehearsal.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        }
        let Some(host) = host_of(address) else {
            return false;
        };
        let partitions = match self.partition.get() {
            Some(partition) => vec![partition],
            None => Partition::ALL.to_vec(),
        };
        let mut hosts = partitions.into_iter().flat_map(Partition::page_hosts);
        hosts.any(|pattern| matches_pattern(host, pattern))
    }
}

/// The host of an HTTPS URL without user and port; `None` for every other URL.
fn host_of(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("https://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    (!host.is_empty() && host.chars().all(plain)).then_some(host)
}

/// Whether a host matches a pattern label by label: `*` is any label, `{region}` a label that looks like a Region name.
fn matches_pattern(host: &str, pattern: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let (mut labels, mut wanted) = (host.split('.'), pattern.split('.'));
    loop {
        match (labels.next(), wanted.next()) {
            (None, None) => return true,
            (Some(label), Some("*")) if !label.is_empty() => {}
            (Some(label), Some("{region}")) if looks_like_region(label) => {}
            (Some(label), Some(wanted)) if label == wanted => {}
            _ => return false,
        }
    }
}

/// Such as `eu-west-1`: two or more words, then a number. A list would not contain new Regions.
fn looks_like_region(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    let Some((number, words)) = parts.split_last() else {
        return false;
    };
    let all = |part: &str, is: fn(&u8) -> bool| !part.is_empty() && part.bytes().all(|byte| is(&byte));
    words.len() >= 2 && all(number, u8::is_ascii_digit) && words.iter().all(|word| all(word, u8::is_ascii_lowercase))
}

fn find(environment: &Environment) -> Result<Opener, String> {
    if let Some(value) = environment.var("BROWSER") {
        return from_variable(environment, value);
    }
    let none = |why: &str| Err(why.to_owned());
    if environment.var("AWS_EXECUTION_ENV") == Some("CloudShell") {
        return none("AWS CloudShell has no browser");
    }
    if environment.var("CODESPACES").is_some() {
        return none("a codespace has no browser");
    }
    if ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"]
        .iter()
        .any(|name| environment.var(name).is_some())
    {
        return none("over SSH, the browser is on another machine");
    }
    if environment.is_in_container() {
        return none("a container has no browser");
    }
    let opener = |program: PathBuf, is_local: bool| Opener {
        program,
        arguments: Vec::new(),
        is_local,
    };
    if environment.var("WSL_DISTRO_NAME").is_some() {
        let program = environment
            .program("wslview")
            .ok_or("wslview is not installed in WSL")?;
        return Ok(opener(program, false));
    }
    if cfg!(target_os = "macos") {
        return Ok(opener(PathBuf::from("/usr/bin/open"), true));
    }
    if cfg!(windows) {
        let root = environment.var("SYSTEMROOT").unwrap_or("C:\\Windows");
        return Ok(Opener {
            program: PathBuf::from(root).join("System32").join("rundll32.exe"),
            arguments: vec!["url.dll,FileProtocolHandler".to_owned()],
            is_local: true,
        });
    }
    if environment.var("DISPLAY").is_none() && environment.var("WAYLAND_DISPLAY").is_none() {
        return none("there is no display");
    }
    let program = environment.program("xdg-open").ok_or("xdg-open is not installed")?;
    Ok(opener(program, true))
}

/// `BROWSER` holds a program with its arguments, or several of them, separated as in `PATH`. The first program that
/// exists is used.
fn from_variable(environment: &Environment, value: &str) -> Result<Opener, String> {
    let separator = if cfg!(windows) { ';' } else { ':' };
    let mut openers = value.split(separator).filter_map(|command| {
        let command = command.trim();
        // The path of a program can contain spaces.
        let spaces = command.match_indices(char::is_whitespace).map(|(at, _)| at);
        let ends: Vec<usize> = spaces.chain([command.len()]).collect();
        let (program, rest) = ends.into_iter().rev().find_map(|end| {
            let (program, rest) = command.split_at(end);
            Some((environment.program(program.trim_matches('"'))?, rest))
        })?;
        Some(Opener {
            program,
            arguments: rest.split_whitespace().map(str::to_owned).collect(),
            is_local: environment.var("SSH_CONNECTION").is_none() && environment.var("WSL_DISTRO_NAME").is_none(),
        })
    });
    openers
        .next()
        .ok_or_else(|| format!("BROWSER names no program that exists ({value})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_partition(partition: Partition) -> Browser {
        let browser = Browser::none("a test");
        browser.restrict_to(partition);
        browser
    }

    #[test]
    fn only_pages_of_aws_in_the_partition_are_opened() {
        let browser = in_partition(Partition::Aws);
        for good in [
            "https://us-east-1.console.aws.amazon.com/singlesignon/home?region=us-east-1#!/",
            "https://oidc.eu-west-1.amazonaws.com/authorize?x=y",
            "https://d-1234567890.awsapps.com/start",
            "https://ssoins-7223a1b2c3d4e5f6.portal.eu-west-1.app.aws",
        ] {
            assert!(browser.may_open(good), "{good}");
        }
        for bad in [
            "http://us-east-1.console.aws.amazon.com/",
            "https://console.aws.amazon.com.evil.example/",
            "https://evil.example/?https://d-1.awsapps.com",
            "https://d-1.awsapps.com@evil.example/start",
            "https://d-1.awsapps.com:8443/start",
            "https://notamazonaws.com/",
            // Anyone can get these names under a domain of AWS.
            "https://oidc.s3.amazonaws.com/authorize",
            "https://bucket.s3.us-east-1.amazonaws.com/authorize",
            "https://oidc.s3.us-east-1.amazonaws.com/authorize",
            "https://abc.execute-api.us-east-1.amazonaws.com/",
            "https://ec2-198-51-100-7.compute-1.amazonaws.com/",
            "https://x.lambda-url.us-east-1.on.aws/",
            "https://oidc.s3-eu-west-1.amazonaws.com/authorize",
            "https://.awsapps.com/start",
            "https://a.b.awsapps.com/start",
            "https://us-east-1.console.amazonaws.cn/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "",
        ] {
            assert!(!browser.may_open(bad), "{bad}");
        }
        assert!(in_partition(Partition::China).may_open("https://cn-north-1.console.amazonaws.cn/"));
        assert!(!in_partition(Partition::China).may_open("https://us-east-1.console.aws.amazon.com/"));
    }

    #[test]
    fn in_a_rehearsal_only_its_own_pages_are_opened() {
        let browser = Browser::with(Err(String::new()), Some("http://127.0.0.1:4599"));
        assert!(browser.may_open("http://127.0.0.1:4599/portal/device?user_code=A"));
        assert!(!browser.may_open("http://127.0.0.1:45990/portal"));
        assert!(!browser.may_open("http://127.0.0.1:4599@evil.example/"));
        assert!(!browser.may_open("https://d-1.awsapps.com/start"));
    }

    #[test]
    fn the_reason_is_returned_when_there_is_no_browser() {
        let with = |variables: &[(&str, &str)]| {
            let environment = Environment::of_variables(variables);
            Browser::of(&environment, true, None)
                .why_unavailable()
                .map(str::to_owned)
        };
        assert!(
            with(&[("AWS_EXECUTION_ENV", "CloudShell")])
                .unwrap()
                .contains("CloudShell")
        );
        assert!(with(&[("CODESPACES", "true")]).unwrap().contains("codespace"));
        assert!(
            with(&[("SSH_TTY", "/dev/pts/1"), ("DISPLAY", ":0")])
                .unwrap()
                .contains("SSH")
        );
        assert!(with(&[("WSL_DISTRO_NAME", "Debian")]).unwrap().contains("WSL"));
        #[cfg(all(unix, not(target_os = "macos")))]
        {
            assert!(with(&[]).unwrap().contains("display"));
            assert!(with(&[("BROWSER", "no-such-program")]).unwrap().contains("BROWSER"));
            assert_eq!(with(&[("BROWSER", "/bin/true"), ("SSH_TTY", "x")]), None);
        }
        let environment = Environment::of_variables(&[("BROWSER", "/bin/true")]);
        assert_eq!(
            Browser::of(&environment, false, None).why_unavailable(),
            Some("--no-browser")
        );
    }

    #[cfg(unix)]
    #[test]
    fn the_first_program_of_browser_that_exists_is_used() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("my browser");
        std::fs::write(&program, "").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let program = program.to_str().unwrap();
        for (value, expected, arguments) in [
            ("/bin/sh --new-window", "/bin/sh", vec!["--new-window"]),
            ("/no/such/program:/bin/sh -x", "/bin/sh", vec!["-x"]),
            (&format!("\"{program}\" -x"), program, vec!["-x"]),
            (&format!("{program} -x"), program, vec!["-x"]),
            (program, program, vec![]),
        ] {
            let opener = from_variable(&Environment::default(), value).unwrap();
            assert_eq!(
                (opener.program.to_str(), opener.arguments),
                (Some(expected), arguments.into_iter().map(str::to_owned).collect())
            );
        }
    }
}
