//! How quick the rehearsal is as a server of its own: until it is ready, what it holds, how many requests it
//! takes. `cargo bench --bench rehearsal` prints a table; numbers of one run compare with each other alone.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark's output is its table"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use idc_sim::{Options, Server, scenarios};

/// How long requests are made.
const TIME: Duration = Duration::from_secs(3);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    println!("| world | ready (ms) | memory (MB) | GetUserId (1/s) |");
    println!("| --- | --- | --- | --- |");
    for name in ["fresh", "complete", "big"] {
        let before = resident();
        let began = Instant::now();
        let mut cloud = scenarios::named(name).expect("a world");
        let root = cloud.root();
        let key = cloud.issue(root).access_key_id;
        let store = cloud.instances.first().map(|instance| instance.store.id.clone());
        let server = runtime
            .block_on(Server::start(cloud, Options::default()))
            .expect("a port");
        let ready = began.elapsed();
        let memory = resident().saturating_sub(before);
        let rate = store.map_or_else(|| "-".to_owned(), |store| format!("{:.0}", rate(&server, &key, &store)));
        println!(
            "| {name} | {:.1} | {:.1} | {rate} |",
            ready.as_secs_f64() * 1e3,
            memory / 1024
        );
    }
}

/// `GetUserId` requests a second over one connection.
fn rate(server: &Server, key: &str, store: &str) -> f64 {
    let address = server.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let mut buffer = [0; 4096];
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < TIME {
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
        let read = stream.read(&mut buffer).expect("an answer");
        assert!(read > 0, "the server has hung up");
        count += 1;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

/// Kilobytes of this process that are in memory; 0 where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
