//! The cloud behind real HTTP on 127.0.0.1.

use std::net::SocketAddr;
use std::path::PathBuf;
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
use crate::faults::{Fault, FaultKind, FaultPlan};
use crate::pages::{self, PageRequest};
use crate::protocol::error::ServiceError;
use crate::protocol::wire::{self, Parsed, Wire};
use crate::services::{self, Request};
use crate::state::Cloud;

/// How the server behaves, apart from the cloud.
#[derive(Debug, Default)]
pub struct Options {
    /// 0 lets the system choose.
    pub port: u16,
    /// Added to every call: half before, half after it took effect.
    pub latency: Duration,
    /// Where the call log is written as well.
    pub calls: Option<PathBuf>,
    /// Requests a second that Identity Center takes over all its APIs; `None` is any number.
    pub quota: Option<u32>,
}

/// A running server; it ends with the runtime it was started on.
#[derive(Debug, Clone)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    cloud: Mutex<Cloud>,
    faults: Mutex<FaultPlan>,
    log: CallLog,
    latency: Duration,
    quota: Option<Mutex<Quota>>,
    /// Until then connections are refused.
    refused_until: Mutex<Option<Instant>>,
    closed: Notify,
}

/// A bucket of tokens: as many as a second has, filled up steadily.
#[derive(Debug)]
struct Quota {
    a_second: f64,
    left: f64,
    at: Instant,
}

impl Quota {
    fn new(a_second: u32) -> Self {
        Self {
            a_second: f64::from(a_second),
            left: f64::from(a_second),
            at: Instant::now(),
        }
    }

    /// Whether one more request fits.
    fn take(&mut self) -> bool {
        let now = Instant::now();
        self.left = (self.left + (now - self.at).as_secs_f64() * self.a_second).min(self.a_second);
        self.at = now;
        let fits = self.left >= 1.0;
        if fits {
            self.left -= 1.0;
        }
        fits
    }
}

impl Shared {
    /// Half of the latency: before a call takes effect, and after. A timer of nothing would still cost a tick.
    async fn take_time(&self) {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency / 2).await;
        }
    }

    /// Nobody listens for this long.
    fn refuse_for(&self, time: Duration) {
        *lock(&self.refused_until) = Some(Instant::now() + time);
        self.closed.notify_one();
    }

    /// How long connections will still be refused.
    fn refused_for(&self) -> Option<Duration> {
        let until = *lock(&self.refused_until);
        until
            .and_then(|until| until.checked_duration_since(Instant::now()))
            .filter(|left| !left.is_zero())
    }

    /// Identity Center's APIs share a quota; the others are not asked that often.
    fn is_over_quota(&self, service: &str) -> bool {
        let shares = matches!(service, "sso-admin" | "identitystore");
        self.quota
            .as_ref()
            .filter(|_| shares)
            .is_some_and(|quota| !lock(quota).take())
    }
}

impl Server {
    /// Listens on 127.0.0.1 and serves.
    ///
    /// # Errors
    /// When the port is taken or the call log cannot be written.
    pub async fn start(mut cloud: Cloud, options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
        let address = listener.local_addr()?;
        cloud.base_url = format!("http://{address}");
        let shared = Arc::new(Shared {
            cloud: Mutex::new(cloud),
            faults: Mutex::default(),
            log: CallLog::new(options.calls.as_deref())?,
            latency: options.latency,
            quota: options.quota.map(|a_second| Mutex::new(Quota::new(a_second))),
            refused_until: Mutex::default(),
            closed: Notify::new(),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared })
    }

    /// `http://127.0.0.1:PORT`: an address, so that S3 goes path-style.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The cloud, to look at or to change between calls.
    pub fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.shared.cloud()
    }

    /// Plans a fault.
    pub fn fault(&self, fault: Fault) {
        lock(&self.shared.faults).add(fault);
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        *lock(&self.shared.faults) = FaultPlan::default();
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<CallLine> {
        self.shared.log.lines()
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        self.shared.log.clear();
    }
}

impl Shared {
    fn cloud(&self) -> MutexGuard<'_, Cloud> {
        lock(&self.cloud)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(mut listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.closed.notified() => {
                listener = reopen(listener, &shared).await;
                continue;
            }
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors, usually: give connections time to end.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        tokio::spawn(converse(stream, Arc::clone(&shared)));
    }
}

/// Nobody listens for a while, so that the system refuses connections; then at the same address again.
async fn reopen(listener: TcpListener, shared: &Shared) -> TcpListener {
    let Ok(address) = listener.local_addr() else {
        return listener;
    };
    drop(listener);
    while let Some(left) = shared.refused_for() {
        tokio::time::sleep(left).await;
    }
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            // Somebody else has the port for now.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// One connection, to its end.
async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| Box::pin(respond(Arc::clone(&shared), request)));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // An error here is a client that went away, or a connection that a fault ends.
    if let Err(error) = std::future::poll_fn(|task| connection.poll_without_shutdown(task)).await {
        let cut = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
        if matches!(cut, Some(Cut::Reset)) {
            // Closed without lingering, a connection ends in a reset.
            let _ = connection.into_parts().io.into_inner().set_zero_linger();
        }
    }
}

/// The connection is to end without a reply.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("closed by the fault plan")]
    Close,
    #[error("reset by the fault plan")]
    Reset,
}

async fn respond(shared: Arc<Shared>, request: HttpRequest<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    if shared.refused_for().is_some() {
        return Err(Cut::Reset);
    }
    let body = body.collect().await.map_err(|_| Cut::Close)?.to_bytes();
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
        return Ok(http(&pages::page(&mut shared.cloud(), &page_request), "-"));
    };
    let mut line = CallLine {
        n: shared.log.begin(),
        service: parsed.service.to_owned(),
        operation: parsed.operation.clone(),
        region: parsed.region.clone(),
        start_us: shared.log.clock(),
        end_us: 0,
        outcome: String::new(),
        fault: None,
    };
    let fault = lock(&shared.faults).next(&parsed.operation);
    line.fault = fault.as_ref().map(|fault| fault.name().to_owned());
    let request_id = format!("00000000-0000-4000-8000-{:012x}", line.n);
    let result = serve(&shared, &parsed, fault, &request_id).await;
    line.outcome = match &result {
        Ok(wire) => outcome_of(wire),
        Err(_) => "cut".to_owned(),
    };
    line.end_us = shared.log.clock();
    shared.log.end(line);
    result.map(|wire| http(&wire, &request_id))
}

fn outcome_of(wire: &Wire) -> String {
    match &wire.error {
        Some(code) => code.clone(),
        None if wire.status < 300 => "ok".to_owned(),
        None => format!("http-{}", wire.status),
    }
}

async fn serve(shared: &Shared, parsed: &Parsed, fault: Option<FaultKind>, request_id: &str) -> Result<Wire, Cut> {
    shared.take_time().await;
    match &fault {
        Some(FaultKind::Delay(time)) => tokio::time::sleep(*time).await,
        Some(FaultKind::Refuse(error)) => return Ok(parsed.write(&Err(error.clone()), request_id)),
        Some(FaultKind::Foreign {
            status,
            content_type,
            body,
        }) => {
            return Ok(Wire {
                status: *status,
                headers: vec![("content-type", content_type.clone())],
                error: None,
                body: body.clone(),
            });
        }
        Some(FaultKind::CutBefore) => return Err(Cut::Close),
        Some(FaultKind::Reset) => return Err(Cut::Reset),
        Some(FaultKind::Refused(time)) => {
            shared.refuse_for(*time);
            return Err(Cut::Reset);
        }
        Some(FaultKind::HoldBefore(hold)) => {
            hold.wait().await;
            return Err(Cut::Close);
        }
        Some(FaultKind::CutAfter | FaultKind::HalfAfter | FaultKind::HoldAfter(_) | FaultKind::FailLater(_)) | None => {
        }
    }
    if shared.is_over_quota(parsed.service) {
        let error = ServiceError::new("ThrottlingException", "Rate exceeded");
        return Ok(parsed.write(&Err(error), request_id));
    }
    let answer = services::answer(
        &mut shared.cloud(),
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
    match fault {
        Some(FaultKind::CutAfter) => return Err(Cut::Close),
        Some(FaultKind::HoldAfter(hold)) => {
            hold.wait().await;
            return Err(Cut::Close);
        }
        Some(FaultKind::HalfAfter) if answer.is_ok() => {
            let mut wire = parsed.write(&answer, request_id);
            wire.body = wire.body.chars().take(wire.body.len() / 2).collect();
            return Ok(wire);
        }
        Some(FaultKind::FailLater(reason)) if answer.is_ok() => shared.cloud().fail_the_last(reason),
        _ => {}
    }
    shared.take_time().await;
    Ok(parsed.write(&answer, request_id))
}

fn http(wire: &Wire, request_id: &str) -> Response<Full<Bytes>> {
    let mut response = Response::builder()
        .status(wire.status)
        .header("x-amzn-requestid", request_id);
    for (name, value) in &wire.headers {
        response = response.header(*name, value);
    }
    response
        .body(Full::new(Bytes::from(wire.body.clone())))
        .unwrap_or_else(|_: hyper::http::Error| Response::new(Full::new(Bytes::new())))
}
