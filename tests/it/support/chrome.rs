//! A real browser: headless Chromium, controlled through `chromedriver` with the W3C `WebDriver` protocol.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The Tab key in `WebDriver`.
pub const TAB: &str = "\u{e004}";
/// The Enter key in `WebDriver`.
pub const ENTER: &str = "\u{e007}";

/// The widths at which [`Chrome::offers`] and [`Chrome::is_done`] look at a page: a phone and a large window.
const WIDTHS: [u32; 2] = [360, 1200];

/// Looks for what makes a page hard to use, and returns the problems.
const FIND_PROBLEMS: &str = include_str!("find_problems.js");

/// The key of an element reference in the JSON of `WebDriver`.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// Starts `chromedriver` and returns its port. Retries, because two drivers that start at the same time can choose the
/// same port.
fn drive() -> std::io::Result<(Child, u16)> {
    for _ in 0..5 {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut lines = BufReader::new(driver.stdout.take().expect("its output")).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        if let Some(port) = port {
            // Keep reading, so that a full pipe does not block the driver.
            std::thread::spawn(move || lines.map_while(Result::ok).count());
            return Ok((driver, port));
        }
        let _ = driver.kill();
        let _ = driver.wait();
    }
    Err(std::io::Error::other(
        "chromedriver found no free port in five attempts",
    ))
}

/// A browser with one window.
pub struct Chrome {
    driver: Child,
    port: u16,
    session: String,
    profile: TempDir,
}

impl Chrome {
    /// Starts a browser. Without `chromedriver`, prints a warning and returns `None`. With `CI=true`, fails instead.
    pub fn start() -> Option<Self> {
        let (driver, port) = match drive() {
            Ok(driver) => driver,
            Err(error) => {
                assert!(
                    std::env::var("CI").as_deref() != Ok("true"),
                    "CI needs chromium and chromedriver: {error}"
                );
                let _ = writeln!(
                    std::io::stderr(),
                    "\n*** NOT TESTED with a real browser: chromedriver: {error} ***\n"
                );
                return None;
            }
        };
        let profile = tempfile::tempdir().expect("a folder");
        let mut chrome = Self {
            driver,
            port,
            session: String::new(),
            profile,
        };
        let mut arguments: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", chrome.profile.path().display()));
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}});
        let response = chrome.ask("POST", "/session", &wanted);
        response["sessionId"]
            .as_str()
            .expect("a session")
            .clone_into(&mut chrome.session);
        Some(chrome)
    }

    /// Opens a URL.
    pub fn open(&self, address: &str) -> &Self {
        self.command("POST", "/url", &json!({"url": address}));
        self
    }

    /// Waits until the page contains this text, and asserts that it is a page of the simulation.
    pub fn shows(&self, words: &str) -> &Self {
        self.wait_for(words);
        let text = self.text();
        assert!(text.contains("REHEARSAL"), "{text}");
        self
    }

    /// Waits until the page contains this text.
    pub fn wait_for(&self, words: &str) -> &Self {
        let end = Instant::now() + Duration::from_secs(20);
        while !self.text().contains(words) {
            assert!(Instant::now() < end, "{words:?} is not on the page:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(30));
        }
        self
    }

    /// Clicks the button or link with this text.
    pub fn click(&self, words: &str) -> &Self {
        let path = format!("//button[normalize-space()='{words}'] | //a[normalize-space()='{words}']");
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let element = self.find(&path);
            let clicked = self.ask(
                "POST",
                &format!("/session/{}/element/{element}/click", self.session),
                &json!({}),
            );
            // The page was replaced by the next one, which may have the same words.
            let is_stale = clicked["error"] == "stale element reference" && Instant::now() < end;
            assert!(clicked["error"].is_null() || is_stale, "{words}: {clicked:#}");
            if !is_stale {
                return self;
            }
        }
    }

    /// Clicks the radio button or checkbox with this label.
    pub fn choose(&self, label: &str) -> &Self {
        let element = self.find(&format!("//label[normalize-space()='{label}']"));
        self.command("POST", &format!("/element/{element}/click"), &json!({}));
        self
    }

    /// Appends text to the field with this name.
    pub fn fill(&self, name: &str, text: &str) -> &Self {
        let element = self.find(&format!("//input[@name='{name}']"));
        self.command("POST", &format!("/element/{element}/value"), &json!({"text": text}));
        self
    }

    /// Types keys into whatever has the focus, like a user without a mouse.
    pub fn keys(&self, text: &str) -> &Self {
        let keys = text.chars().map(String::from);
        let strokes: Vec<Value> = keys
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key})))
            .collect();
        let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]});
        self.command("POST", "/actions", &actions);
        self
    }

    /// Waits until the field with this label, or the button or link with this text, has the focus.
    pub fn focuses(&self, words: &str) -> &Self {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let script = "const focused = document.activeElement; const label = focused?.labels?.[0];
                return (focused.type === 'submit' || !label ? focused : label).innerText || ''";
            let focused = self.run(script);
            if focused.as_str() == Some(words) {
                return self;
            }
            assert!(
                Instant::now() < end,
                "{words:?} does not have the focus, but {focused}:\n{}",
                self.text()
            );
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Asserts that this is the only primary action of the page, and that the page is easy to use: wide and narrow, light
    /// and dark.
    pub fn offers(&self, action: &str) -> &Self {
        self.wait_for(action);
        self.assert_usable(&json!([action]))
    }

    /// Asserts that the page sends the user back to the terminal, offers nothing else, and is easy to use: wide and
    /// narrow, light and dark.
    pub fn is_done(&self) -> &Self {
        self.wait_for("Done, return to your terminal.");
        self.assert_usable(&json!([]))
    }

    fn assert_usable(&self, actions: &Value) -> &Self {
        for scheme in ["light", "dark"] {
            self.prefer(scheme);
            for width in WIDTHS {
                let size = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
                self.develop("Emulation.setDeviceMetricsOverride", &size);
                let script = format!("const actions = {actions};\n{FIND_PROBLEMS}");
                let problems = self.run(&script);
                assert_eq!(
                    problems,
                    json!([]),
                    "{} at {width} px, {scheme}:\n{}",
                    self.address(),
                    self.text()
                );
            }
        }
        self.develop("Emulation.clearDeviceMetricsOverride", &json!({}));
        self
    }

    /// Prefers this color scheme from now on: `light` or `dark`.
    pub fn prefer(&self, scheme: &str) -> &Self {
        let feature = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.develop("Emulation.setEmulatedMedia", &feature);
        self
    }

    /// Sends a command of the Chrome `DevTools` Protocol.
    fn develop(&self, command: &str, parameters: &Value) {
        let body = json!({"cmd": command, "params": parameters});
        self.command("POST", "/goog/cdp/execute", &body);
    }

    /// Presses Tab until the button with this text has the focus.
    pub fn tab_to(&self, words: &str) -> &Self {
        for _ in 0..20 {
            let focused = self.run("return document.activeElement.innerText || ''");
            if focused.as_str() == Some(words) {
                return self;
            }
            self.keys(TAB);
        }
        panic!("{words:?} cannot be reached with the keyboard:\n{}", self.text());
    }

    /// Returns the current URL.
    pub fn address(&self) -> String {
        let address = self.command("GET", "/url", &Value::Null);
        address.as_str().expect("an address").to_owned()
    }

    /// Returns the visible text of the page.
    pub fn text(&self) -> String {
        let text = self.run("return document.body ? document.body.innerText : ''");
        text.as_str().unwrap_or_default().to_owned()
    }

    fn run(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", &json!({"script": script, "args": []}))
    }

    fn find(&self, path: &str) -> String {
        let wanted = json!({"using": "xpath", "value": path});
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let found = self.ask("POST", &format!("/session/{}/element", self.session), &wanted);
            if let Some(element) = found[ELEMENT].as_str() {
                return element.to_owned();
            }
            assert!(Instant::now() < end, "no {path} on the page:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Sends a command to this session, and asserts that it succeeds.
    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let response = self.ask(method, &format!("/session/{}{path}", self.session), body);
        assert!(response["error"].is_null(), "{path}: {response:#}");
        response
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the driver");
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            self.port,
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("a request");
        stream
            .set_read_timeout(Some(Duration::from_mins(1)))
            .expect("a timeout");
        // The driver keeps the connection open even with `Connection: close`. The content length marks the end of the
        // response.
        let mut response = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            response.read_line(&mut line).expect("a header");
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().expect("a length");
                }
                None if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        response.read_exact(&mut body).expect("a body");
        let response: Value = serde_json::from_slice(&body).expect("JSON");
        response["value"].clone()
    }
}

impl Drop for Chrome {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.ask("DELETE", &format!("/session/{}", self.session), &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
