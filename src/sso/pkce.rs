//! The authorization code with PKCE (RFC 7636), as the AWS CLI does it since 2.22: the browser signs in, and comes
//! back to a port of this machine.
//!
//! We listen on 127.0.0.1 only, and before the browser opens. Anything but the callback with our own state gets
//! 404, and the wait goes on; then the listener is gone.

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

use super::Registration;
use crate::aws::{AwsError, Clients};
use crate::limits::CONNECTION_LIMIT;
use crate::limits::MOST_CONNECTIONS;
use aws_config_file::{CachedToken, SCOPE};

/// The redirect that is registered: a loopback address, whose port is known only when somebody listens.
pub const REDIRECT: &str = "http://127.0.0.1/oauth/callback";

/// A sign-in that has begun: somebody listens for its end.
pub struct SignInPage {
    listener: TcpListener,
    redirect_uri: String,
    state: String,
    verifier: SecretString,
    /// Where the browser has to go. It holds no secret.
    pub address: String,
}

/// How a sign-in in the browser has ended.
pub enum Answer {
    /// With a code that only our verifier redeems.
    Code(SecretString),
    /// The person said no, or the service did, in these words.
    Refused(String),
    /// Nobody came back in time.
    TimeIsOver,
}

impl SignInPage {
    /// Listens, and makes the address of the page.
    ///
    /// # Errors
    /// When no port can be had, or the system has no random numbers.
    pub async fn begin(clients: &Clients, region: &str, registration: &Registration) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let redirect_uri = format!("http://127.0.0.1:{port}/oauth/callback");
        let (state, verifier) = (random()?, random()?);
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
            state,
            verifier: verifier.into(),
            address,
        })
    }

    /// Waits until the browser has come back, at most `limit`.
    pub async fn wait(&self, limit: Duration) -> Answer {
        let (sender, mut answers) = mpsc::channel(1);
        let state: Arc<str> = self.state.as_str().into();
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let accept = async {
            while let Ok(place) = Arc::clone(&places).acquire_owned().await {
                let Ok((stream, _)) = self.listener.accept().await else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let (state, sender) = (Arc::clone(&state), sender.clone());
                tokio::spawn(async move {
                    converse(stream, state, sender).await;
                    drop(place);
                });
            }
        };
        tokio::select! {
            answer = answers.recv() => answer.unwrap_or(Answer::TimeIsOver),
            () = accept => Answer::TimeIsOver,
            () = tokio::time::sleep(limit) => Answer::TimeIsOver,
        }
    }

    /// Redeems the code. It is used up by the attempt, so it is made once.
    ///
    /// # Errors
    /// When sso-oidc refuses or cannot be reached.
    pub async fn redeem(
        &self,
        clients: &Clients,
        (region, start_url): (&str, &str),
        registration: &Registration,
        code: &SecretString,
    ) -> Result<CachedToken, AwsError> {
        let token = clients
            .ssooidc_once(region)
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
        Ok(registration.token((region, start_url), token))
    }
}

/// 32 bytes of the system's random numbers, as text of 43 letters that URLs can have.
fn random() -> std::io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// One connection, to its end: the page is written before its answer counts, since the listener goes with it.
async fn converse(stream: TcpStream, state: Arc<str>, answers: mpsc::Sender<Answer>) {
    let found = Mutex::new(None);
    let service = service_fn(|request| {
        let (response, answer) = respond(&request, &state);
        if answer.is_some() {
            *found.lock().unwrap_or_else(PoisonError::into_inner) = answer;
        }
        std::future::ready(Ok::<_, std::convert::Infallible>(response))
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // An error here, or an end by time, is a browser that went away; what it has brought counts all the same.
    let _ = tokio::time::timeout(CONNECTION_LIMIT, connection).await;
    let answer = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = answer {
        // Nobody waits any more where another one has brought an answer first.
        let _ = answers.send(answer).await;
    }
}

/// What a request means for the wait; `None` for everything that is not the callback with our own state.
pub fn answer_of(is_get: bool, path: &str, query: &str, state: &str) -> Option<Answer> {
    let member = |name: &str| {
        let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.into_owned())
            .filter(|value| !value.is_empty())
    };
    let is_ours = is_get && path == "/oauth/callback" && member("state").as_deref() == Some(state);
    match (member("code"), member("error")) {
        (_, Some(error)) if is_ours => Some(Answer::Refused(member("error_description").unwrap_or(error))),
        (Some(code), None) if is_ours => Some(Answer::Code(code.into())),
        _ => None,
    }
}

/// What a request gets, and what it means for the wait.
fn respond(request: &Request<Incoming>, state: &str) -> (Response<Full<Bytes>>, Option<Answer>) {
    let query = request.uri().query().unwrap_or_default();
    let answer = answer_of(request.method() == Method::GET, request.uri().path(), query, state);
    let words = match &answer {
        None => return (page(StatusCode::NOT_FOUND, "Not here."), None),
        Some(Answer::Code(_)) => "You are signed in. You can close this page and go back to the terminal.",
        Some(_) => "The sign-in was refused. You can close this page and go back to the terminal.",
    };
    (page(StatusCode::OK, words), answer)
}

/// A page that shows nothing secret, and sends nothing on.
fn page(status: StatusCode, words: &str) -> Response<Full<Bytes>> {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>idc-setup</title><p>{words}</p>\
         <script>history.replaceState(null,'','/')</script></html>"
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
