//! The authorization code with PKCE (RFC 7636), as in the AWS CLI since 2.22: the browser signs in and is redirected to
//! a port of this machine.
//!
//! The listener is bound to 127.0.0.1 only, before the browser opens. It closes when the sign-in ends. It answers two
//! requests, and all others with 404: the callback with our own state, and the page that the browser opens first, which
//! redirects to the sign-in page. Other users of this machine can read the command line of the browser, and the URL of the
//! sign-in page contains the state, so that page redirects only once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

use super::registration::{PortalAddress, Registration};
use crate::aws::{AwsError, Clients};
use crate::ids::RegionName;
use crate::limits::{CONNECTION_LIMIT, MOST_CONNECTIONS};
use aws_config_file::{CachedToken, SCOPE};

/// A sign-in in progress, with the listener for its callback.
pub struct SignInPage {
    listener: TcpListener,
    redirect_uri: String,
    verifier: SecretString,
    expected: Arc<Expected>,
    /// The URL for the command line of the browser. It redirects to [`SignInPage::address`], once.
    pub opening_address: String,
}

/// What the connections share.
struct Expected {
    state: String,
    /// The URL of the sign-in page. Anyone who knows it can end the sign-in.
    address: String,
    /// The path of the page that redirects to it.
    opening_path: String,
    is_opened: AtomicBool,
}

/// The result of a sign-in in the browser.
pub enum Answer {
    /// An authorization code, which can only be redeemed with our verifier.
    Code(SecretString),
    /// The user or the service refused, with this message.
    Refused(String),
    /// There was no callback in time.
    TimedOut,
}

impl SignInPage {
    /// Binds the listener and builds the URL of the sign-in page.
    ///
    /// # Errors
    /// If no port can be bound, or the system provides no random numbers.
    pub async fn begin(clients: &Clients, region: &RegionName, registration: &Registration) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let redirect_uri = format!("http://127.0.0.1:{port}/oauth/callback");
        let (state, verifier, opening_path) = (random()?, random()?, format!("/sign-in/{}", random()?));
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &registration.client_id)
            .append_pair("redirect_uri", &redirect_uri)
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("scopes", SCOPE);
        let address = format!("{}/authorize?{}", clients.oidc_address(region), query.finish());
        Ok(Self {
            listener,
            redirect_uri,
            verifier: verifier.into(),
            opening_address: format!("http://127.0.0.1:{port}{opening_path}"),
            expected: Arc::new(Expected {
                state,
                address,
                opening_path,
                is_opened: AtomicBool::new(false),
            }),
        })
    }

    /// The URL of the sign-in page, to show to the user.
    pub fn address(&self) -> &str {
        &self.expected.address
    }

    /// Waits for the callback, at most `limit`.
    pub async fn wait(&self, limit: Duration) -> Answer {
        let (sender, mut answers) = mpsc::channel(1);
        let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let accept = async {
            while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
                let Ok((stream, _)) = self.listener.accept().await else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let (expected, sender) = (Arc::clone(&self.expected), sender.clone());
                tokio::spawn(async move {
                    serve(stream, expected, sender).await;
                    drop(permit);
                });
            }
        };
        tokio::select! {
            answer = answers.recv() => answer.unwrap_or(Answer::TimedOut),
            () = accept => Answer::TimedOut,
            () = tokio::time::sleep(limit) => Answer::TimedOut,
        }
    }

    /// Redeems the code. An attempt uses up the code, so there is no retry.
    ///
    /// # Errors
    /// If sso-oidc returns an error or cannot be reached.
    pub async fn redeem(
        &self,
        clients: &Clients,
        at: &PortalAddress<'_>,
        registration: &Registration,
        code: &SecretString,
    ) -> Result<CachedToken, AwsError> {
        let token = clients
            .ssooidc_once(at.region)
            .create_token()
            .client_id(&registration.client_id)
            .client_secret(registration.client_secret.expose_secret())
            .grant_type("authorization_code")
            .code(code.expose_secret())
            .code_verifier(self.verifier.expose_secret())
            .redirect_uri(&self.redirect_uri)
            .send()
            .await
            .map_err(|error| AwsError::of("sso-oidc:CreateToken", error))?;
        Ok(registration.token(at, token))
    }
}

/// 32 random bytes from the system, as 43 URL-safe characters.
fn random() -> std::io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Serves one connection. The page is written before the answer is sent, since the answer closes the listener.
async fn serve(stream: TcpStream, expected: Arc<Expected>, answers: mpsc::Sender<Answer>) {
    let received = Mutex::new(None);
    let service = service_fn(|request| {
        let (response, answer) = respond(&request, &expected);
        if answer.is_some() {
            *received.lock().unwrap_or_else(PoisonError::into_inner) = answer;
        }
        std::future::ready(Ok::<_, std::convert::Infallible>(response))
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // An error or a timeout here means that the browser disconnected; an answer that it has sent still counts.
    let _ = tokio::time::timeout(CONNECTION_LIMIT, connection).await;
    let answer = received.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = answer {
        // This fails if another connection was first with an answer.
        let _ = answers.send(answer).await;
    }
}

/// The answer in a request; `None` for every request that is not the callback with our own state.
pub fn answer_of(is_get: bool, path: &str, query: &str, state: &str) -> Option<Answer> {
    let parameter = |name: &str| {
        let pair = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
        pair.map(|(_, value)| value.into_owned())
            .filter(|value| !value.is_empty())
    };
    let is_callback = is_get && path == "/oauth/callback" && parameter("state").as_deref() == Some(state);
    match (parameter("code"), parameter("error")) {
        (_, Some(error)) if is_callback => Some(Answer::Refused(parameter("error_description").unwrap_or(error))),
        (Some(code), None) if is_callback => Some(Answer::Code(code.into())),
        _ => None,
    }
}

/// The response to a request, and the answer in the request.
fn respond(request: &Request<Incoming>, expected: &Expected) -> (Response<Full<Bytes>>, Option<Answer>) {
    let is_get = request.method() == Method::GET;
    let path = request.uri().path();
    if is_get && path == expected.opening_path {
        if expected.is_opened.swap(true, Ordering::Relaxed) {
            let why = "This page has been opened before. If that was not you, press Ctrl-C in the terminal.";
            return (page(StatusCode::GONE, why), None);
        }
        return (redirect(&expected.address), None);
    }
    let query = request.uri().query().unwrap_or_default();
    let answer = answer_of(is_get, path, query, &expected.state);
    let message = match &answer {
        None => return (page(StatusCode::NOT_FOUND, "Not found."), None),
        Some(Answer::Code(_)) => "You are signed in. You can close this page and go back to the terminal.",
        Some(_) => "The sign-in was refused. You can close this page and go back to the terminal.",
    };
    (page(StatusCode::OK, message), answer)
}

fn redirect(address: &str) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(StatusCode::FOUND)
        .header("location", address)
        .header("cache-control", "no-store")
        .header("referrer-policy", "no-referrer")
        .header("connection", "close")
        .body(Full::default());
    response.unwrap_or_else(|_: hyper::http::Error| Response::new(Full::default()))
}

/// A page without secrets. It removes the code from the browser's history and sends no referrer.
/// A card on a calm page, light and dark.
const STYLE: &str = ":root{color-scheme:light dark}body{margin:0;min-height:100vh;display:grid;place-items:center;\
    font:1rem/1.5 system-ui,sans-serif;background:light-dark(#f2f4f7,#12161c);color:light-dark(#16191f,#e6e9ee)}\
    main{max-width:28rem;margin:1rem;padding:2rem;border-radius:.75rem;background:light-dark(#fff,#1c222b);\
    border:1px solid light-dark(#d5dbe3,#2d3643)}h1{margin:0 0 .5rem;font-size:1.1rem}p{margin:0}";

fn page(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>idc-setup</title><style>{STYLE}</style><main><h1>idc-setup</h1>\
         <p>{message}</p></main><script>history.replaceState(null,'','/')</script></html>"
    );
    let response = Response::builder()
        .status(status)
        .header("content-type", "text/html; charset=utf-8")
        .header("cache-control", "no-store")
        .header("referrer-policy", "no-referrer")
        .header("connection", "close")
        .body(Full::new(Bytes::from(body)));
    response.unwrap_or_else(|_: hyper::http::Error| Response::new(Full::new(Bytes::new())))
}
