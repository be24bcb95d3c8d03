//! A browser's request.

use jiff::Timestamp;

/// A browser's request.
pub struct PageRequest<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// The path.
    pub path: &'a str,
    /// The query string as it came.
    pub query: &'a str,
    /// What a form sent.
    pub form: Vec<(String, String)>,
    /// The `Cookie` header.
    pub cookie: &'a str,
    /// The server's clock.
    pub now: Timestamp,
}

impl PageRequest<'_> {
    /// A member of the query string; empty where there is none.
    pub fn asked(&self, name: &str) -> String {
        let found = form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// A member of the form; empty where there is none.
    pub fn sent(&self, name: &str) -> &str {
        let found = self.form.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Whether a form was sent.
    pub fn is_post(&self) -> bool {
        self.method == "POST"
    }

    /// This very address, to come back to.
    pub fn address(&self) -> String {
        if self.query.is_empty() {
            self.path.to_owned()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }
}
