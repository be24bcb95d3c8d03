//! `--record FILE`: writes every call to a file, redacted. It wraps the HTTP client of all services, so that it sees what is
//! on the wire, each attempt of a call on its own.
//!
//! `idc-sim` parses and redacts the calls, because it has the models of the services. Requests for credentials of the machine
//! are none of these services, and are not recorded.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;
use hyper::http::request::Parts;
use idc_sim::{Exchange, RawResponse, Recording};

/// Writes the calls of the clients that it wraps. Clones write to the same file.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

struct Shared {
    path: PathBuf,
    began: Instant,
    /// How many calls have begun.
    begun: AtomicU64,
    inner: Mutex<Inner>,
}

struct Inner {
    file: File,
    recording: Recording,
    calls: u64,
    /// The first error of the file.
    error: Option<io::Error>,
}

/// Omits the values that it has redacted.
impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("path", &self.0.path)
            .finish_non_exhaustive()
    }
}

impl Recorder {
    /// Creates the file, which only its owner can read. An existing file is never overwritten.
    ///
    /// # Errors
    /// If the file exists or cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        aws_config_file::files::make_private(&file)?;
        let header = Recording::header(concat!("idc-setup ", env!("CARGO_PKG_VERSION")));
        file.write_all(format!("{header}\n").as_bytes())?;
        Ok(Self(Arc::new(Shared {
            path: path.to_owned(),
            began: Instant::now(),
            begun: AtomicU64::new(0),
            inner: Mutex::new(Inner {
                file,
                recording: Recording::default(),
                calls: 0,
                error: None,
            }),
        })))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// How many calls are in the file.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// Why a call could not be written, if that happened.
    pub fn error(&self) -> Option<String> {
        self.lock().error.as_ref().map(ToString::to_string)
    }

    /// A client that records what it sends.
    pub fn client(&self, inner: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Recorded {
            inner,
            recorder: self.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, request: &HttpRequest) -> Option<Sent> {
        let mut head = hyper::Request::builder().method(request.method()).uri(request.uri());
        for (name, value) in request.headers() {
            head = head.header(name, value);
        }
        let (head, ()) = head.body(()).ok()?.into_parts();
        Some(Sent {
            n: self.0.begun.fetch_add(1, Ordering::Relaxed) + 1,
            start: self.0.began.elapsed(),
            head,
            body: request.body().bytes().unwrap_or_default().to_vec(),
        })
    }

    fn write(&self, sent: &Sent, response: Option<RawResponse>) {
        let exchange = Exchange {
            n: sent.n,
            start: sent.start,
            duration: self.0.began.elapsed().saturating_sub(sent.start),
            request: &sent.head,
            body: &sent.body,
            response,
        };
        let mut inner = self.lock();
        let Some(line) = inner.recording.line(&exchange) else {
            return;
        };
        match inner.file.write_all(format!("{line}\n").as_bytes()) {
            Ok(()) => inner.calls += 1,
            // A full disk does not stop what the user wants to do.
            Err(error) => {
                inner.error.get_or_insert(error);
            }
        }
    }
}

/// A request that was sent.
struct Sent {
    n: u64,
    start: Duration,
    head: Parts,
    body: Vec<u8>,
}

#[derive(Debug)]
struct Recorded<T> {
    inner: T,
    recorder: Recorder,
}

impl HttpClient for Recorded<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Recorded {
            inner: self.inner.http_connector(settings, components),
            recorder: self.recorder.clone(),
        })
    }
}

impl HttpConnector for Recorded<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, recorder) = (self.inner.clone(), self.recorder.clone());
        HttpConnectorFuture::new(async move {
            let sent = recorder.begin(&request);
            let write = |response: Option<RawResponse>| {
                if let Some(sent) = &sent {
                    recorder.write(sent, response);
                }
            };
            let mut response = match inner.call(request).await {
                Ok(response) => response,
                Err(error) => {
                    write(None);
                    return Err(error);
                }
            };
            let body = match response.take_body().collect().await {
                Ok(body) => body.to_bytes(),
                Err(error) => {
                    write(None);
                    return Err(ConnectorError::io(error));
                }
            };
            write(Some(RawResponse {
                status: response.status().as_u16(),
                error_type: response.headers().get("x-amzn-errortype"),
                body: &body,
            }));
            *response.body_mut() = SdkBody::from(body);
            Ok(response)
        })
    }
}
