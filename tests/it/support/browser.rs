//! A minimal browser: it follows links and redirects, keeps one cookie, and fills in forms by field name.

use std::io::{Read, Write};
use std::net::TcpStream;

/// A browser that shows pages of the simulated AWS.
pub struct Browser {
    host: String,
    cookie: String,
    /// The HTML of the current page.
    pub page: String,
}

impl Browser {
    /// Creates a browser for the server with this URL.
    pub fn new(url: &str) -> Self {
        Self {
            host: url.trim_start_matches("http://").to_owned(),
            cookie: String::new(),
            page: String::new(),
        }
    }

    /// Opens a URL or a path.
    pub fn open(&mut self, address: &str) -> &mut Self {
        self.request("GET", address, "")
    }

    /// Opens a URL or a path, and signs in there as the user of the scenarios.
    pub fn sign_in(&mut self, address: &str) -> &mut Self {
        self.open(address)
            .press("Next", &[("username", "Admin")])
            .press("Sign in", &[("password", "whatever")])
    }

    /// Submits the form that contains this button. Fields that are not given keep their values on the page.
    pub fn press(&mut self, button: &str, fields: &[(&str, &str)]) -> &mut Self {
        let end = format!(">{button}</button></form>");
        let at = self
            .page
            .find(&end)
            .unwrap_or_else(|| panic!("no {button}: {}", self.page));
        let form = &self.page[self.page[..at].rfind("<form").unwrap()..at];
        let action = attribute(form, "action").unwrap();
        let mut body = form_urlencoded::Serializer::new(String::new());
        for input in form.split("<input").skip(1) {
            let input = input.split('>').next().unwrap();
            let name = attribute(input, "name").unwrap();
            let chosen = !input.contains("type=\"radio\"") || input.contains(" checked");
            if !fields.iter().any(|(field, _)| *field == name) && chosen {
                body.append_pair(&name, &attribute(input, "value").unwrap_or_default());
            }
        }
        body.extend_pairs(fields);
        let body = body.finish();
        self.request("POST", &action, &body)
    }

    /// Follows the link with this text.
    pub fn follow(&mut self, words: &str) -> &mut Self {
        let end = format!(">{words}</a>");
        let at = self
            .page
            .find(&end)
            .unwrap_or_else(|| panic!("no {words}: {}", self.page));
        let link = attribute(&self.page[self.page[..at].rfind("<a ").unwrap()..at], "href").unwrap();
        self.open(&link)
    }

    /// Asserts that the page contains this text.
    pub fn shows(&mut self, words: &str) -> &mut Self {
        assert!(self.page.contains(words), "{words}: {}", self.page);
        assert!(self.page.contains("REHEARSAL"), "{}", self.page);
        self
    }

    fn request(&mut self, method: &str, address: &str, body: &str) -> &mut Self {
        let path = address.trim_start_matches(&format!("http://{}", self.host)).to_owned();
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            self.host,
            self.cookie,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, page) = response.split_once("\r\n\r\n").unwrap();
        let header = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            let mut matching = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
            matching.next().map(|(_, value)| value.to_owned())
        };
        if let Some(cookie) = header("set-cookie") {
            cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        page.clone_into(&mut self.page);
        match header("location") {
            // A redirect to a program on this machine: the test decides whether to follow it.
            Some(url) if url.starts_with("http://") => {
                self.page = url;
                self
            }
            Some(url) => self.open(&url),
            None => self,
        }
    }
}

/// Sends a GET request to this machine, and returns the response.
pub fn get(url: &str) -> String {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
    Some(
        value
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
}
