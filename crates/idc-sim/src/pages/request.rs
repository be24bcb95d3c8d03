//! The request type of the pages.

use jiff::Timestamp;

/// A request from a browser.
pub struct PageRequest<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// The path of the URL.
    pub path: &'a str,
    /// The query string, still encoded.
    pub query: &'a str,
    /// The decoded fields of the submitted form.
    pub form: Vec<(String, String)>,
    /// The `Cookie` header.
    pub cookie: &'a str,
    /// The current time, by the server's clock.
    pub now: Timestamp,
}

impl PageRequest<'_> {
    /// Returns a parameter of the query string, or an empty string if it is absent.
    pub fn query_value(&self, name: &str) -> String {
        let found = form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// Returns a field of the form, or an empty string if it is absent.
    pub fn form_value(&self, name: &str) -> &str {
        let found = self.form.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Returns whether the request submits a form.
    pub fn is_post(&self) -> bool {
        self.method == "POST"
    }

    /// Returns the path and the query string of this request.
    pub fn path_and_query(&self) -> String {
        if self.query.is_empty() {
            self.path.to_owned()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }
}
