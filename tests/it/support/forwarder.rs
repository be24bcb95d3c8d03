//! A server in front of the simulated AWS, which counts the requests and can replace the time of the responses.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Forwards every request to the simulated AWS, whatever it asks for.
pub struct Forwarder {
    /// The URL of this server.
    pub url: String,
    requests: Arc<AtomicUsize>,
}

impl Forwarder {
    /// Starts the server. If `date` is given, every response has it in its `Date` header.
    pub fn start(target: &str, date: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let target = target.trim_start_matches("http://").to_owned();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (target, count) = (target.clone(), Arc::clone(&count));
                std::thread::spawn(move || serve(client, &target, date, &count));
            }
        });
        Self { url, requests }
    }

    /// Returns the number of requests so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Serves one client until one of the connections is closed.
fn serve(mut client: TcpStream, target: &str, date: Option<&str>, count: &AtomicUsize) {
    while let Some((head, body)) = read_message(&mut client) {
        count.fetch_add(1, Ordering::SeqCst);
        let Ok(mut server) = TcpStream::connect(target) else {
            return;
        };
        if server.write_all(&[head.as_bytes(), &body[..]].concat()).is_err() {
            return;
        }
        let Some((head, body)) = read_message(&mut server) else {
            return;
        };
        let head = match date {
            Some(date) => with_date(&head, date),
            None => head,
        };
        if client.write_all(&[head.as_bytes(), &body[..]].concat()).is_err() {
            return;
        }
    }
}

/// Reads a request or a response: its head, including the empty line at its end, and its body.
fn read_message(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        value.trim().parse::<usize>().ok().filter(|_| is_length)
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn with_date(head: &str, date: &str) -> String {
    let is_date = |line: &str| line.to_ascii_lowercase().starts_with("date:");
    let lines = head.split("\r\n").map(|line| {
        if is_date(line) {
            format!("date: {date}")
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\r\n")
}
