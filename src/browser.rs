//! Opening a page in this person's browser: whether there is one on this machine, by which program, and for which
//! addresses.
//!
//! Programs are run by absolute path, found in the absolute folders of `PATH`: never one that happens to lie in the
//! current folder.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::aws::Partition;
use crate::environment::Environment;

/// A browser, or why there is none.
#[derive(Debug)]
pub struct Browser {
    way: Result<Way, String>,
    /// Where pages of a rehearsal are.
    rehearsal: Option<String>,
    /// The partition whose pages may be opened, once known.
    partition: Cell<Option<Partition>>,
    opened: RefCell<Vec<String>>,
}

/// How pages are opened.
#[derive(Debug, Clone)]
struct Way {
    program: PathBuf,
    /// Before the address; `%s` stands for it.
    arguments: Vec<String>,
    /// It can reach a port of this machine, so that a sign-in can come back to us.
    is_local: bool,
}

impl Browser {
    /// None, for this reason.
    pub fn none(why: &str) -> Self {
        Self::with(Err(why.to_owned()), None)
    }

    /// This person's, unless it is not wanted. `rehearsal`: the address of the rehearsal, if this is one.
    pub fn of(environment: &Environment, is_wanted: bool, rehearsal: Option<&str>) -> Self {
        let way = if is_wanted {
            find(environment)
        } else {
            Err("--no-browser".to_owned())
        };
        Self::with(way, rehearsal)
    }

    fn with(way: Result<Way, String>, rehearsal: Option<&str>) -> Self {
        Self {
            way,
            rehearsal: rehearsal.map(str::to_owned),
            partition: Cell::new(None),
            opened: RefCell::default(),
        }
    }

    /// From now on only pages of this partition are opened.
    pub fn keep_to(&self, partition: Partition) {
        self.partition.set(Some(partition));
    }

    /// Why no page can be opened here; `None` where one can.
    pub fn why_none(&self) -> Option<&str> {
        self.way.as_ref().err().map(String::as_str)
    }

    /// Whether a page in it can come back to a port of this machine.
    pub fn is_local(&self) -> bool {
        self.way.as_ref().is_ok_and(|way| way.is_local)
    }

    /// Opens a page of AWS or of the rehearsal, once. Whether the program could be started; what the person does
    /// with the page is not known.
    pub fn open(&self, address: &str) -> bool {
        let Ok(way) = &self.way else {
            return false;
        };
        let known = self.opened.borrow().iter().any(|opened| opened == address);
        if known || !self.may_open(address) {
            return known;
        }
        let mut command = Command::new(&way.program);
        let placed = way.arguments.iter().any(|argument| argument.contains("%s"));
        command.args(way.arguments.iter().map(|argument| argument.replace("%s", address)));
        if !placed {
            command.arg(address);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let is_started = command.spawn().is_ok();
        if is_started {
            self.opened.borrow_mut().push(address.to_owned());
        }
        is_started
    }

    /// Whether the address belongs to AWS in this partition, or to the rehearsal.
    pub fn may_open(&self, address: &str) -> bool {
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
        hosts.any(|pattern| is_of_form(host, pattern))
    }
}

/// The host of an HTTPS address without user or port; `None` for everything else.
fn host_of(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("https://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    (!host.is_empty() && host.chars().all(plain)).then_some(host)
}

/// Whether a host has a pattern's labels, where `*` is any one, and `{region}` one like a Region's name.
fn is_of_form(host: &str, pattern: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let (mut labels, mut wanted) = (host.split('.'), pattern.split('.'));
    loop {
        match (labels.next(), wanted.next()) {
            (None, None) => return true,
            (Some(label), Some("*")) if !label.is_empty() => {}
            (Some(label), Some("{region}")) if looks_like_a_region(label) => {}
            (Some(label), Some(wanted)) if label == wanted => {}
            _ => return false,
        }
    }
}

/// Such as `eu-west-1`: letters, more letters, a number. New ones come, so that a list would not do.
fn looks_like_a_region(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    let Some((number, words)) = parts.split_last() else {
        return false;
    };
    let all = |part: &str, is: fn(&u8) -> bool| !part.is_empty() && part.bytes().all(|byte| is(&byte));
    words.len() >= 2 && all(number, u8::is_ascii_digit) && words.iter().all(|word| all(word, u8::is_ascii_lowercase))
}

fn find(environment: &Environment) -> Result<Way, String> {
    if let Some(wanted) = environment.var("BROWSER") {
        return named(environment, wanted);
    }
    let none = |why: &str| Err(why.to_owned());
    if environment.var("AWS_EXECUTION_ENV") == Some("CloudShell") {
        return none("CloudShell has no browser of its own");
    }
    if environment.var("CODESPACES").is_some() {
        return none("a codespace has no browser of its own");
    }
    if ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"]
        .iter()
        .any(|name| environment.var(name).is_some())
    {
        return none("over SSH the browser is on another machine");
    }
    if environment.is_in_container() {
        return none("in a container there is no browser");
    }
    let by = |program: PathBuf, is_local: bool| Way {
        program,
        arguments: Vec::new(),
        is_local,
    };
    if environment.var("WSL_DISTRO_NAME").is_some() {
        let program = environment.program("wslview").ok_or("WSL, without wslview")?;
        return Ok(by(program, false));
    }
    if cfg!(target_os = "macos") {
        return Ok(by(PathBuf::from("/usr/bin/open"), true));
    }
    if cfg!(windows) {
        let root = environment.var("SystemRoot").unwrap_or("C:\\Windows");
        return Ok(Way {
            program: PathBuf::from(root).join("System32").join("rundll32.exe"),
            arguments: vec!["url.dll,FileProtocolHandler".to_owned()],
            is_local: true,
        });
    }
    if environment.var("DISPLAY").is_none() && environment.var("WAYLAND_DISPLAY").is_none() {
        return none("there is no display");
    }
    let program = environment.program("xdg-open").ok_or("xdg-open is not installed")?;
    Ok(by(program, true))
}

/// `BROWSER`: a program with its arguments; the first that is there, where several are named.
fn named(environment: &Environment, wanted: &str) -> Result<Way, String> {
    let mut ways = wanted.split(':').filter_map(|command| {
        let mut words = command.split_whitespace().map(str::to_owned);
        Some(Way {
            program: environment.program(&words.next()?)?,
            arguments: words.collect(),
            is_local: environment.var("SSH_CONNECTION").is_none() && environment.var("WSL_DISTRO_NAME").is_none(),
        })
    });
    ways.next()
        .ok_or_else(|| format!("BROWSER names no program that is there ({wanted})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_partition(partition: Partition) -> Browser {
        let browser = Browser::none("a test");
        browser.keep_to(partition);
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
            // What anybody can have under a name of AWS.
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
    fn where_there_is_no_browser_the_reason_is_told() {
        let with = |variables: &[(&str, &str)]| {
            let environment = Environment::of_variables(variables);
            Browser::of(&environment, true, None).why_none().map(str::to_owned)
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
        assert_eq!(Browser::of(&environment, false, None).why_none(), Some("--no-browser"));
    }
}
