//! The HTTP client for all calls. It uses the proxy from the environment (`HTTPS_PROXY`, `NO_PROXY`, as the AWS CLI
//! does), but never for calls to this machine or to the endpoints that provide its credentials.
//!
//! The SDK also sends plain http calls to loopback addresses through `HTTP_PROXY`: they would leave this machine, where
//! others could read them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;

use crate::limits::LARGEST_ANSWER_MB;

/// A client for every service. The default context trusts the root certificates of the platform.
pub fn client(tls: TlsContext) -> SharedHttpClient {
    SharedHttpClient::new(ProxyClient {
        tls,
        kept: Mutex::default(),
    })
}

/// Whether a text is an http or https URL with a host.
pub fn is_url(address: &str) -> bool {
    let is_web = |scheme: &str| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let has_scheme = address.split_once("://").is_some_and(|(scheme, _)| is_web(scheme));
    has_scheme && !host_of(address).is_empty() && address.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a URL is plain http to another machine.
pub fn is_plain_http_elsewhere(address: &str) -> bool {
    let Some((scheme, _)) = address.split_once("://") else {
        return false;
    };
    scheme.eq_ignore_ascii_case("http") && !is_loopback(address)
}

/// Whether the host of a URL is this machine.
pub fn is_loopback(address: &str) -> bool {
    let name = host_of(address);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a URL is an endpoint that provides the credentials of a machine or a container. No proxy may see them
/// ("Using the AWS CLI with an HTTP proxy" tells users to set `NO_PROXY` for it).
fn is_metadata(address: &str) -> bool {
    match host_of(address).parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.segments()[..2] == [0xfd00, 0x0ec2],
        Err(_) => false,
    }
}

/// A URL without the user name and the password that it can contain before the host, and without its query.
pub fn without_password(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// The host of a URL, without brackets; empty if there is none.
fn host_of(address: &str) -> &str {
    let Some((_, rest)) = address.split_once("://") else {
        return "";
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// Connect timeout and read timeout.
type Limits = (Option<Duration>, Option<Duration>);

/// Connectors, each created once for its timeouts, so that connections are reused.
#[derive(Debug, Default)]
struct ProxyClient {
    tls: TlsContext,
    kept: Mutex<HashMap<Limits, SharedHttpConnector>>,
}

impl HttpClient for ProxyClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let limits = (settings.connect_timeout(), settings.read_timeout());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let connector = kept.entry(limits).or_insert_with(|| {
            let mut builder = Connector::builder();
            builder.set_connector_settings(Some(settings.clone()));
            builder.set_sleep_impl(components.sleep_impl());
            SharedHttpConnector::new(ConnectorByHost::of(&builder, &self.tls))
        });
        connector.clone()
    }
}

/// Connects directly or through the proxy, depending on the host of the call. Each connector loads the root
/// certificates of the platform, so it is created when it is first needed.
#[derive(Debug)]
struct ConnectorByHost {
    direct: LazyLock<Connector, Box<dyn FnOnce() -> Connector + Send>>,
    through_proxy: LazyLock<Connector, Box<dyn FnOnce() -> Connector + Send>>,
}

impl ConnectorByHost {
    fn of(builder: &ConnectorBuilder, tls: &TlsContext) -> Self {
        let with = |proxy: ProxyConfig| -> Box<dyn FnOnce() -> Connector + Send> {
            let builder = builder.clone().proxy_config(proxy);
            let tls = tls.clone();
            Box::new(move || {
                let builder = builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc));
                builder.tls_context(tls).build()
            })
        };
        Self {
            direct: LazyLock::new(with(ProxyConfig::disabled())),
            through_proxy: LazyLock::new(with(ProxyConfig::from_env())),
        }
    }
}

impl HttpConnector for ConnectorByHost {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = if is_loopback(request.uri()) || is_metadata(request.uri()) {
            self.direct.call(request)
        } else {
            self.through_proxy.call(request)
        };
        // An endless body would fill the memory.
        HttpConnectorFuture::new(async move {
            let limit = LARGEST_ANSWER_MB << 20;
            let answer = answer.await?;
            Ok(answer.map(|body| SdkBody::from_body_1_x(Limited::new(body, limit))))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credential_endpoints_bypass_every_proxy() {
        for near in [
            "http://169.254.169.254/latest",
            "http://169.254.170.2/v2",
            "http://[fd00:ec2::254]/",
        ] {
            assert!(is_metadata(near) && is_plain_http_elsewhere(near), "{near}");
        }
        for far in [
            "http://169.255.1.1/",
            "https://sts.amazonaws.com/",
            "http://[fd00::1]/",
            "",
        ] {
            assert!(!is_metadata(far), "{far}");
        }
    }

    #[test]
    fn plain_http_is_allowed_only_for_this_machine() {
        for here in [
            "http://127.0.0.1:4566",
            "http://localhost/",
            "http://[::1]:1",
            "https://example.com",
            "HTTPS://example.com",
        ] {
            assert!(!is_plain_http_elsewhere(here), "{here}");
        }
        for elsewhere in [
            "http://example.com",
            "HTTP://10.0.0.1:4566/x",
            "http://127.0.0.1@example.com/",
            "http://localhost.example.com",
            "http://[2001:db8::1]/",
            "http://",
        ] {
            assert!(is_plain_http_elsewhere(elsewhere), "{elsewhere}");
        }
    }
}
