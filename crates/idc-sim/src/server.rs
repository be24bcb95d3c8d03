//! The HTTP server on 127.0.0.1.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request as HttpRequest, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::call_log::{CallLine, CallLog};
use crate::control::{self, Control};
use crate::faults::{Fault, FaultKind, FaultPlan, parse_faults};
use crate::pages::{self, PageRequest};
use crate::protocol::error::{ServiceError, ServiceResult};
use crate::protocol::models;
use crate::protocol::wire::{self, ParsedRequest, WireResponse};
use crate::recorded::Words;
use crate::services::{self, Request};
use crate::state::{Cloud, Outcome};

/// Settings of the server that are not part of the simulated account.
#[derive(Debug, Default)]
pub struct Options {
    /// Port on 127.0.0.1. With 0, the operating system chooses a free one.
    pub port: u16,
    /// Latency added to each API call: half of it before the call takes effect, half of it after.
    pub latency: Duration,
    /// File that the call log is written to.
    pub calls: Option<PathBuf>,
    /// Whether the call log is kept in memory too, for [`Server::calls`].
    pub keep_calls: bool,
    /// Requests per second that Identity Center accepts across all its APIs. With a number, its quotas of asynchronous
    /// requests are enforced too. `None` means no limit.
    pub quota: Option<u32>,
    /// Faults to inject from the start, and again after a reset.
    pub faults: Vec<Fault>,
}

/// A running server. It stops when the runtime that it was started on is dropped.
#[derive(Debug, Clone)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    cloud: Mutex<Cloud>,
    /// The state that a reset restores, as JSON: it takes much less memory, and a reset is rare.
    scenario: Vec<u8>,
    /// The faults that a reset restores.
    first_faults: Vec<Fault>,
    faults: Mutex<FaultPlan>,
    log: CallLog,
    latency: Duration,
    quota: Option<Mutex<TokenBucket>>,
    /// The end of a simulated outage. Connections are refused until then.
    outage_ends: Mutex<Option<Instant>>,
    outage_changed: Notify,
    /// The number of resets. It changes only while `cloud` is locked.
    resets: AtomicU64,
    /// The number of requests for pages.
    page_requests: AtomicU64,
}

/// A token bucket that holds the requests of one second.
#[derive(Debug)]
struct TokenBucket {
    per_second: f64,
    available: f64,
    refilled_at: Instant,
}

impl TokenBucket {
    fn new(per_second: u32) -> Self {
        Self {
            per_second: f64::from(per_second),
            available: f64::from(per_second),
            refilled_at: Instant::now(),
        }
    }

    /// Fills the bucket.
    fn refill(&mut self) {
        self.available = self.per_second;
    }

    /// Takes a token for one request. Returns false if none is available.
    fn try_take(&mut self) -> bool {
        let now = Instant::now();
        let refill = (now - self.refilled_at).as_secs_f64() * self.per_second;
        self.available = (self.available + refill).min(self.per_second);
        self.refilled_at = now;
        let is_available = self.available >= 1.0;
        if is_available {
            self.available -= 1.0;
        }
        is_available
    }
}

impl Shared {
    /// Sleeps for half of the latency. Called before and after a call takes effect.
    async fn sleep_half_latency(&self) {
        // Even a timer of zero costs a tick.
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency / 2).await;
        }
    }

    /// Starts an outage: the server refuses connections for this long.
    fn start_outage(&self, duration: Duration) {
        *lock(&self.outage_ends) = Some(Instant::now() + duration);
        self.outage_changed.notify_one();
    }

    /// Returns how much longer the outage lasts, or `None` if there is none.
    fn remaining_outage(&self) -> Option<Duration> {
        let ends = *lock(&self.outage_ends);
        ends.and_then(|ends| ends.checked_duration_since(Instant::now()))
            .filter(|remaining| !remaining.is_zero())
    }

    /// Takes a request out of the quota that Identity Center's APIs share. The other services have no quota here.
    fn is_over_quota(&self, service: &str) -> bool {
        let is_limited = matches!(service, "sso-admin" | "identitystore");
        self.quota
            .as_ref()
            .filter(|_| is_limited)
            .is_some_and(|quota| !lock(quota).try_take())
    }

    fn cloud(&self) -> MutexGuard<'_, Cloud> {
        lock(&self.cloud)
    }

    /// Restores the start. A call that began before it has no effect afterwards, and is not logged.
    fn reset(&self) -> serde_json::Result<()> {
        let mut scenario: Cloud = serde_json::from_slice(&self.scenario)?;
        let mut cloud = self.cloud();
        scenario.has_quotas = cloud.has_quotas;
        *cloud = scenario;
        self.resets.fetch_add(1, Ordering::Relaxed);
        *lock(&self.faults) = FaultPlan::of(&self.first_faults);
        if let Some(quota) = &self.quota {
            lock(quota).refill();
        }
        *lock(&self.outage_ends) = None;
        self.outage_changed.notify_one();
        self.log.clear();
        Ok(())
    }

    /// Locks the cloud for a call that began after this number of resets, unless there was another one.
    fn cloud_since(&self, resets: u64) -> Option<MutexGuard<'_, Cloud>> {
        let cloud = self.cloud();
        (self.resets.load(Ordering::Relaxed) == resets).then_some(cloud)
    }

    /// Answers a request to the server itself.
    fn answer(&self, control: Control, body: &Bytes) -> WireResponse {
        let (status, body) = match control {
            Control::Health => (200, control::health(self.log.count())),
            Control::State => match serde_json::to_value(&*self.cloud()) {
                Ok(state) => (200, state),
                Err(error) => (500, control::refused(&error.to_string())),
            },
            Control::Reset => match self.reset() {
                Ok(()) => (200, control::done()),
                Err(error) => (500, control::refused(&error.to_string())),
            },
            Control::Calls => (200, serde_json::json!({ "calls": self.log.lines() })),
            Control::AddFaults => match parse_faults(&String::from_utf8_lossy(body)) {
                Ok(faults) => {
                    let mut plan = lock(&self.faults);
                    for fault in faults {
                        plan.add(fault);
                    }
                    (200, control::done())
                }
                Err(why) => (400, control::refused(&why)),
            },
            Control::RemoveFaults => {
                *lock(&self.faults) = FaultPlan::default();
                (200, control::done())
            }
            Control::Unknown => (404, control::refused(control::KNOWN)),
        };
        WireResponse {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            error: None,
            body: body.to_string(),
        }
    }
}

impl Server {
    /// Listens on 127.0.0.1 and serves this state in the background.
    ///
    /// # Errors
    /// When the port is in use or the call log cannot be created.
    pub async fn start(mut cloud: Cloud, options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
        let address = listener.local_addr()?;
        cloud.base_url = format!("http://{address}");
        cloud.has_quotas = options.quota.is_some();
        let shared = Arc::new(Shared {
            scenario: serde_json::to_vec(&cloud)?,
            cloud: Mutex::new(cloud),
            faults: Mutex::new(FaultPlan::of(&options.faults)),
            first_faults: options.faults,
            log: CallLog::new(options.calls.as_deref(), options.keep_calls)?,
            latency: options.latency,
            quota: options.quota.map(|per_second| Mutex::new(TokenBucket::new(per_second))),
            outage_ends: Mutex::default(),
            outage_changed: Notify::new(),
            resets: AtomicU64::new(0),
            page_requests: AtomicU64::new(0),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared })
    }

    /// Returns the server's URL, `http://127.0.0.1:PORT`. The host is an IP address so that S3 clients use path-style
    /// requests.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Locks the simulated account, to inspect or change it between calls. Calls wait until the guard is dropped.
    pub fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.shared.cloud()
    }

    /// Adds a fault to inject into the calls from now on.
    pub fn fault(&self, fault: Fault) {
        lock(&self.shared.faults).add(fault);
    }

    /// Restores the state and the faults that the server started with, ends an outage, and discards the calls so far.
    ///
    /// # Errors
    /// If the state cannot be restored. Nothing was changed then.
    pub fn reset(&self) -> serde_json::Result<()> {
        self.shared.reset()
    }

    /// Removes all faults.
    pub fn heal(&self) {
        *lock(&self.shared.faults) = FaultPlan::default();
    }

    /// Returns how many calls, requests for pages and resets so far can have changed something.
    pub fn change_count(&self) -> u64 {
        let shared = &self.shared;
        let others = [&shared.page_requests, &shared.resets].map(|count| count.load(Ordering::Relaxed));
        shared.log.changes() + others.iter().sum::<u64>()
    }

    /// Returns how long the server has been running. The times in the call log count from the same moment.
    pub fn uptime(&self) -> Duration {
        Duration::from_micros(self.shared.log.elapsed_us())
    }

    /// Returns the calls so far, in the order in which they finished. Empty without [`Options::keep_calls`].
    pub fn calls(&self) -> Vec<CallLine> {
        self.shared.log.lines()
    }

    /// Returns why a call could not be written to the file of calls, if that happened.
    pub fn call_log_error(&self) -> Option<String> {
        self.shared.log.error()
    }

    /// Discards the calls so far. Their sequence numbers are not used again.
    pub fn clear_calls(&self) {
        self.shared.log.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(mut listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.outage_changed.notified() => {
                if shared.remaining_outage().is_some() {
                    listener = reopen_after_outage(listener, &shared).await;
                }
                continue;
            }
        };
        let Ok((stream, _)) = accepted else {
            // Usually the process is out of file descriptors: give connections time to close.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        tokio::spawn(serve_connection(stream, Arc::clone(&shared)));
    }
}

/// Closes the listener, so that the operating system refuses connections. Listens on the same address again when the
/// outage is over.
async fn reopen_after_outage(listener: TcpListener, shared: &Shared) -> TcpListener {
    let Ok(address) = listener.local_addr() else {
        return listener;
    };
    drop(listener);
    while let Some(remaining) = shared.remaining_outage() {
        tokio::select! {
            () = tokio::time::sleep(remaining) => {}
            () = shared.outage_changed.notified() => {}
        }
    }
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            // Another process may use the port for the moment.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Serves one connection until it is closed.
async fn serve_connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| Box::pin(respond(Arc::clone(&shared), request)));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // An error here is a client that disconnected, or a connection that a fault closes.
    if let Err(error) = std::future::poll_fn(|task| connection.poll_without_shutdown(task)).await {
        let abort = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
        if matches!(abort, Some(Abort::Reset)) {
            // With a linger time of zero, closing the socket sends a TCP reset.
            let _ = connection.into_parts().io.into_inner().set_zero_linger();
        }
    }
}

/// A connection to close without a response.
#[derive(Debug, thiserror::Error)]
enum Abort {
    #[error("closed by the fault plan")]
    Close,
    #[error("reset by the fault plan")]
    Reset,
}

async fn respond(shared: Arc<Shared>, request: HttpRequest<Incoming>) -> Result<Response<Full<Bytes>>, Abort> {
    let (head, body) = request.into_parts();
    if shared.remaining_outage().is_some() {
        return Err(Abort::Reset);
    }
    let body = body.collect().await.map_err(|_| Abort::Close)?.to_bytes();
    if let Some(control) = Control::of(&head.method, head.uri.path()) {
        return Ok(to_http(&shared.answer(control, &body), "-"));
    }
    let Some(parsed) = wire::parse(&head, &body) else {
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let page_request = PageRequest {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            form: form_urlencoded::parse(&body).into_owned().collect(),
            cookie: header("cookie").unwrap_or_default(),
            now: Timestamp::now(),
        };
        let page = pages::page(&mut shared.cloud(), &page_request);
        shared.page_requests.fetch_add(1, Ordering::Relaxed);
        return Ok(to_http(&page, "-"));
    };
    let mut line = CallLine {
        n: shared.log.next_number(),
        service: parsed.service.to_owned(),
        operation: parsed.operation.clone(),
        region: parsed.region.clone(),
        start_us: shared.log.elapsed_us(),
        end_us: 0,
        outcome: String::new(),
        fault: None,
    };
    let (resets, fault) = {
        // No reset comes between.
        let _cloud = shared.cloud();
        let fault = lock(&shared.faults).fault_for(&parsed.operation);
        (shared.resets.load(Ordering::Relaxed), fault)
    };
    line.fault = fault.as_ref().map(|fault| fault.name().to_owned());
    let request_id = format!("00000000-0000-4000-8000-{:012x}", line.n);
    let result = serve_call(&shared, &parsed, fault, &request_id, resets).await;
    line.outcome = match &result {
        Ok(response) => outcome_of(response),
        Err(_) => "cut".to_owned(),
    };
    line.end_us = shared.log.elapsed_us();
    if let Some(_cloud) = shared.cloud_since(resets) {
        shared.log.append(line);
    }
    result.map(|response| to_http(&response, &request_id))
}

/// The `outcome` of a call in the call log.
fn outcome_of(response: &WireResponse) -> String {
    match &response.error {
        Some(code) => code.clone(),
        None if response.status < 300 => "ok".to_owned(),
        None => format!("http-{}", response.status),
    }
}

/// Handles one API call, with the fault that was planned for it, after this number of resets.
async fn serve_call(
    shared: &Shared,
    parsed: &ParsedRequest,
    fault: Option<FaultKind>,
    request_id: &str,
    resets: u64,
) -> Result<WireResponse, Abort> {
    shared.sleep_half_latency().await;
    match &fault {
        Some(FaultKind::Delay(duration)) => tokio::time::sleep(*duration).await,
        Some(FaultKind::Hold(hold)) => hold.wait().await,
        Some(FaultKind::HoldBefore(hold)) => {
            hold.wait().await;
            return Err(Abort::Close);
        }
        _ => {}
    }
    let result = {
        // Neither a reset nor another call, which starts operations too, comes between.
        let Some(mut cloud) = shared.cloud_since(resets) else {
            return Err(Abort::Close);
        };
        match &fault {
            Some(FaultKind::Refuse(error)) => return Ok(parsed.write_response(&Err(error.clone()), request_id)),
            Some(FaultKind::Foreign {
                status,
                content_type,
                body,
            }) => {
                return Ok(WireResponse {
                    status: *status,
                    headers: vec![("content-type", content_type.clone())],
                    error: None,
                    body: body.clone(),
                });
            }
            Some(FaultKind::CutBefore) => return Err(Abort::Close),
            Some(FaultKind::Reset) => return Err(Abort::Reset),
            Some(FaultKind::Refused(duration)) => {
                shared.start_outage(*duration);
                return Err(Abort::Reset);
            }
            _ => {}
        }
        if shared.is_over_quota(parsed.service) {
            let error = Words::RateExceeded.error(&[]);
            return Ok(parsed.write_response(&Err(error), request_id));
        }
        let earlier_operations = cloud.operations.len();
        let result = services::handle(
            &mut cloud,
            &Request {
                service: parsed.service,
                operation: &parsed.operation,
                region: &parsed.region,
                access_key_id: &parsed.access_key_id,
                proof: parsed.proof.as_ref(),
                input: &parsed.input,
                now: Timestamp::now(),
            },
        );
        if let Some(FaultKind::FailLater(reason)) = &fault {
            for operation in cloud.operations.iter_mut().skip(earlier_operations) {
                operation.outcome = Outcome::Failed(reason.clone());
            }
        }
        result
    };
    let result = checked(parsed, result);
    match fault {
        Some(FaultKind::CutAfter) => return Err(Abort::Close),
        Some(FaultKind::HoldAfter(hold)) => {
            hold.wait().await;
            return Err(Abort::Close);
        }
        Some(FaultKind::HalfAfter) if result.is_ok() => {
            let mut response = parsed.write_response(&result, request_id);
            response.body = response.body.chars().take(response.body.len() / 2).collect();
            return Ok(response);
        }
        _ => {}
    }
    shared.sleep_half_latency().await;
    Ok(parsed.write_response(&result, request_id))
}

/// In debug builds, replaces a response that is not as the model says by an error that tells how it differs.
fn checked(parsed: &ParsedRequest, result: ServiceResult) -> ServiceResult {
    if !cfg!(debug_assertions) {
        return result;
    }
    let violations = models::response_violations(parsed.service, &parsed.operation, &result);
    if violations.is_empty() {
        return result;
    }
    let operation = format!("{}:{}", parsed.service, parsed.operation);
    let message = format!(
        "The response of {operation} is not as its model says: {}",
        violations.join("; ")
    );
    Err(ServiceError::new("InternalFailure", message).with_status(500))
}

fn to_http(response: &WireResponse, request_id: &str) -> Response<Full<Bytes>> {
    let mut builder = Response::builder()
        .status(response.status)
        .header("x-amzn-requestid", request_id);
    for (name, value) in &response.headers {
        builder = builder.header(*name, value);
    }
    builder
        .body(Full::new(Bytes::from(response.body.clone())))
        .unwrap_or_else(|_: hyper::http::Error| Response::new(Full::new(Bytes::new())))
}
