//! Measures the server: the time until it is ready, its memory, and its throughput. `cargo bench -p idc-sim` prints a
//! table. Compare numbers only within one run, because they depend on the machine.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark's output is its table"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use idc_sim::{Options, Server, scenarios};

/// How long to measure the throughput.
const MEASURE_FOR: Duration = Duration::from_secs(3);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    println!("| scenario | ready (ms) | memory (MB) | GetUserId (1/s) |");
    println!("| --- | --- | --- | --- |");
    for name in ["fresh", "complete", "big"] {
        let before = resident_kib();
        let started = Instant::now();
        let mut cloud = scenarios::named(name).expect("a known scenario");
        let root = cloud.root();
        let key = cloud.issue(root).access_key_id;
        let store = cloud.instances.first().map(|instance| instance.store.id.clone());
        let server = runtime
            .block_on(Server::start(cloud, Options::default()))
            .expect("a free port");
        let ready = started.elapsed();
        let memory = resident_kib().saturating_sub(before);
        let throughput = store.map_or_else(
            || "-".to_owned(),
            |store| format!("{:.0}", throughput(&server, &key, &store)),
        );
        println!(
            "| {name} | {:.1} | {:.1} | {throughput} |",
            ready.as_secs_f64() * 1e3,
            memory / 1024
        );
    }
}

/// Returns the number of `GetUserId` requests per second over one connection.
fn throughput(server: &Server, key: &str, store: &str) -> f64 {
    let address = server.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).expect("a connection");
    stream.set_nodelay(true).expect("a socket option");
    let mut buffer = [0; 4096];
    let (started, mut count) = (Instant::now(), 0_u32);
    while started.elapsed() < MEASURE_FOR {
        let body = format!(
            r#"{{"IdentityStoreId":"{store}","AlternateIdentifier":{{"UniqueAttribute":{{"AttributePath":"userName","AttributeValue":"user-{}"}}}}}}"#,
            count % 20_000
        );
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {address}\r\nX-Amz-Target: AWSIdentityStore.GetUserId\r\nAuthorization: \
             AWS4-HMAC-SHA256 Credential={key}/20261124/us-east-1/identitystore/aws4_request, SignedHeaders=host, \
             Signature=0\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("a request");
        let read = stream.read(&mut buffer).expect("a response");
        assert!(read > 0, "the server closed the connection");
        count += 1;
    }
    f64::from(count) / started.elapsed().as_secs_f64()
}

/// Returns the resident memory of this process in KiB, or 0 if the operating system does not report it.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
