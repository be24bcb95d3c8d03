//! Measures the server: how soon it is ready, its memory, how many requests it answers, and how long others wait for a large
//! one. `cargo bench -p idc-sim` prints the tables. Compare numbers only within one run, because they depend on the machine.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark's output is its table"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use idc_sim::{Cloud, Options, Server, SignIn, Stamp, User, scenarios};

/// How long to measure a throughput.
const MEASURE_FOR: Duration = Duration::from_secs(3);

/// The operations of the mixed load, with their service, in the order in which they are called.
const MIX: [(&str, &str); 8] = [
    ("SWBExternalService.ListInstances", "{}"),
    ("SWBExternalService.DescribePermissionSet", "{INSTANCE,SET}"),
    (
        "SWBExternalService.ListAccountAssignments",
        "{INSTANCE,SET,\"AccountId\":\"123456789012\"}",
    ),
    ("AWSIdentityStore.GetUserId", "{STORE,NAME}"),
    ("AWSIdentityStore.DescribeUser", "{STORE,USER}"),
    ("AWSIdentityStore.ListUsers", "{STORE,\"MaxResults\":10}"),
    ("AWSIdentityStore.ListGroupMembershipsForMember", "{STORE,MEMBER}"),
    ("AWSIdentityStore.CreateGroup", "{STORE,NEW}"),
];

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    start_and_memory(&runtime);
    requests(&runtime);
    large_pages(&runtime);
}

/// A server with what a request needs.
struct Served {
    _server: Server,
    address: String,
    key: String,
    instance: String,
    store: String,
    set: String,
    users: Vec<String>,
}

impl Served {
    fn start(runtime: &tokio::runtime::Runtime, mut cloud: Cloud) -> Self {
        let root = cloud.root();
        let key = cloud.issue(root).access_key_id;
        let instance = &cloud.instances[0];
        let (arn, store) = (instance.arn.clone(), instance.store.id.clone());
        let users = instance.store.users.keys().cloned().collect();
        let set = cloud.permission_sets[0].arn.clone();
        let server = runtime
            .block_on(Server::start(cloud, Options::default()))
            .expect("a free port");
        Self {
            address: server.url().trim_start_matches("http://").to_owned(),
            _server: server,
            key,
            instance: arn,
            store,
            set,
            users,
        }
    }

    /// The text of the `n`th request of an operation.
    fn request(&self, (target, body): (&str, &str), n: usize) -> String {
        let user = &self.users[n % self.users.len()];
        let attribute = format!(
            "{{\"AttributePath\":\"userName\",\"AttributeValue\":\"user-{}\"}}",
            n % (self.users.len() - 1)
        );
        let body = body
            .replace("INSTANCE", &format!("\"InstanceArn\":\"{}\"", self.instance))
            .replace("STORE", &format!("\"IdentityStoreId\":\"{}\"", self.store))
            .replace("SET", &format!("\"PermissionSetArn\":\"{}\"", self.set))
            .replace(
                "NAME",
                &format!("\"AlternateIdentifier\":{{\"UniqueAttribute\":{attribute}}}"),
            )
            .replace("MEMBER", &format!("\"MemberId\":{{\"UserId\":\"{user}\"}}"))
            .replace("USER", &format!("\"UserId\":\"{user}\""))
            .replace("NEW", &format!("\"DisplayName\":\"group-{n}\""));
        let service = if target.starts_with("SWB") {
            "sso"
        } else {
            "identitystore"
        };
        format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: {target}\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential={}/20261124/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0\r\nContent-Length: \
             {}\r\n\r\n{body}",
            self.address,
            self.key,
            body.len()
        )
    }
}

/// A connection that sends one request after the other.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(served: &Served) -> Self {
        let stream = TcpStream::connect(&served.address).expect("a connection");
        stream.set_nodelay(true).expect("a socket option");
        Self(BufReader::new(stream))
    }

    /// Sends a request and returns the body of the response, which must be a success.
    fn send(&mut self, request: &str) -> String {
        self.0.get_mut().write_all(request.as_bytes()).expect("a request");
        let (mut line, mut length, mut status) = (String::new(), 0, String::new());
        loop {
            line.clear();
            assert!(
                self.0.read_line(&mut line).expect("a response") > 0,
                "the server closed the connection"
            );
            if status.is_empty() {
                status.clone_from(&line);
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(status.contains(" 200 "), "{status}{body}");
        body
    }
}

/// Prints how soon the program is ready, and the memory of each scenario.
fn start_and_memory(runtime: &tokio::runtime::Runtime) {
    println!("| scenario | program ready (ms) | memory (MB) |");
    println!("| --- | --- | --- |");
    for name in ["fresh", "complete", "big"] {
        let ready = median((0..5).map(|_| program_start(name)).collect());
        let before = resident_kib();
        let server = runtime
            .block_on(Server::start(
                scenarios::named(name).expect("a known scenario"),
                Options::default(),
            ))
            .expect("a free port");
        let memory = resident_kib().saturating_sub(before) / 1024;
        drop(server);
        println!("| {name} | {:.0} | {memory} |", ready.as_secs_f64() * 1e3);
    }
    println!();
}

/// Starts the program, and returns how long it takes until it has printed its URL.
fn program_start(scenario: &str) -> Duration {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_idc-sim"))
        .arg(scenario)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("its stdout");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    let ready = started.elapsed();
    assert!(line.contains("AWS_ENDPOINT_URL"), "{line}");
    child.kill().expect("a running program");
    child.wait().expect("its end");
    ready
}

/// Prints the throughput of a mix of requests, and how much memory they leave behind.
fn requests(runtime: &tokio::runtime::Runtime) {
    let mut cloud = scenarios::named("complete").expect("a known scenario");
    add_users(&mut cloud, 1_100);
    let served = Served::start(runtime, cloud);
    println!("| requests, 1,100 users | per second | memory left by 100,000 (bytes each) |");
    println!("| --- | --- | --- |");
    let reads = &MIX[..MIX.len() - 1];
    let per_second = throughput(&served, &MIX);
    let mut connection = Connection::open(&served);
    let batch = |connection: &mut Connection| {
        for n in 0..100_000 {
            connection.send(&served.request(reads[n % reads.len()], n));
        }
        resident_kib()
    };
    // The first ones fill what the allocator keeps.
    let before = batch(&mut connection);
    let left = batch(&mut connection).saturating_sub(before) * 1024 / 100_000;
    println!("| {} operations, one of them a change | {per_second:.0} | |", MIX.len());
    println!(
        "| {} operations that read | {:.0} | {left} |\n",
        reads.len(),
        throughput(&served, reads)
    );
}

fn throughput(served: &Served, mix: &[(&str, &str)]) -> f64 {
    let mut connection = Connection::open(served);
    let (started, mut count) = (Instant::now(), 0_u32);
    // Other names than those of an earlier measurement.
    let first = usize::try_from(std::process::id()).unwrap_or_default() * 1_000_000;
    while started.elapsed() < MEASURE_FOR {
        connection.send(&served.request(mix[count as usize % mix.len()], first + count as usize));
        count += 1;
    }
    f64::from(count) / started.elapsed().as_secs_f64()
}

/// Prints how long pages of many users take, and how long another client waits meanwhile.
fn large_pages(runtime: &tokio::runtime::Runtime) {
    let served = Served::start(runtime, scenarios::named("big").expect("a known scenario"));
    println!("| 20,000 users | median (ms) | longest (ms) |");
    println!("| --- | --- | --- |");
    let (mut times, mut token) = (Vec::new(), String::new());
    let mut connection = Connection::open(&served);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let waits = std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut connection = Connection::open(&served);
            let mut waits = Vec::new();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let started = Instant::now();
                connection.send(&served.request(MIX[3], waits.len()));
                waits.push(started.elapsed());
            }
            waits
        });
        loop {
            let body = format!("{{STORE,\"MaxResults\":100{token}}}");
            let started = Instant::now();
            let answer = connection.send(&served.request(("AWSIdentityStore.ListUsers", &body), 0));
            times.push(started.elapsed());
            let Some((_, rest)) = answer.split_once("\"NextToken\":\"") else {
                break;
            };
            let next = rest.split('"').next().unwrap_or_default();
            token = format!(",\"NextToken\":\"{next}\"");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        other.join().expect("the other client")
    });
    let row = |what: &str, times: Vec<Duration>| {
        let longest = times.iter().max().copied().unwrap_or_default();
        let (median, longest) = (median(times).as_secs_f64() * 1e3, longest.as_secs_f64() * 1e3);
        println!("| {what} | {median:.2} | {longest:.2} |");
    };
    row(&format!("a page of 100 ({} pages)", times.len()), times);
    row("GetUserId of another client meanwhile", waits);
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn add_users(cloud: &mut Cloud, count: usize) {
    let created = Stamp {
        at: jiff::Timestamp::now(),
        by: cloud.root().arn,
    };
    for n in 0..count {
        let attributes = serde_json::json!({"UserName": format!("user-{n}"), "DisplayName": format!("User {n}"),
            "Name": {"GivenName": "User", "FamilyName": n.to_string()}});
        let user = User {
            attributes: attributes.as_object().cloned().unwrap_or_default(),
            created: created.clone(),
            activated: true,
            sign_in: SignIn::default(),
        };
        let id = cloud.ids.principal_id();
        cloud.instances[0].store.users.insert(format!("9067aabbcc-{id}"), user);
    }
}

/// Returns the resident memory of this process in KiB, or 0 if the operating system does not report it.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
