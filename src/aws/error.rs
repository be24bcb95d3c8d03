//! Failed calls, classified by what they mean for the caller. Service errors are classified by error code, never by
//! HTTP status or message.

use std::error::Error;
use std::str::FromStr;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::read_retries;
use crate::text::{one_line, shortened, without_passwords};

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    /// `service:Operation`, as in IAM policies.
    pub operation: String,
    /// The kind of error.
    pub kind: AwsErrorKind,
    /// The service's error code, if the service responded.
    pub code: Option<String>,
    /// The message of the service, or of the transport.
    pub message: String,
    /// How long to wait before a retry, if the service says so.
    pub retry_after: Option<Duration>,
}

/// What an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// The caller is not authorized.
    Denied,
    /// There are no credentials, or they are expired or invalid.
    Credentials,
    /// The resource does not exist, or not yet.
    NotFound,
    /// The resource already exists, or an earlier write has not propagated yet.
    Conflict,
    /// Too many requests.
    Throttled,
    /// The request is not valid.
    Invalid,
    /// Another service error.
    Service,
    /// An internal error of the service. It is not known whether the call took effect.
    ServerError,
    /// The connection failed: the call was never sent.
    NoConnection,
    /// There was no response. It is not known whether the call took effect.
    Unanswered,
    /// The response did not come from AWS.
    NotAws,
    /// The operation is not implemented: an emulator that supports only a part of AWS.
    NotImplemented,
    /// The service responded, but the response cannot be read. It is not known whether the call took effect.
    Unreadable,
}

impl AwsError {
    /// Whether the account is not signed up completely, or the Region is not enabled for it ("Common errors" in the API
    /// references: `OptInRequired`).
    pub fn is_not_subscribed(&self) -> bool {
        self.is("OptInRequired") || self.is("SubscriptionRequiredException")
    }

    /// Whether a policy of the organization denies the call. AWS says so only in the message ("Troubleshoot access denied
    /// error messages", IAM User Guide).
    pub fn is_denied_by_organization(&self) -> bool {
        self.message.contains("service control policy") || self.message.contains("resource control policy")
    }

    /// Classifies the SDK error of an operation such as `sso:ListInstances`.
    pub fn of<E>(operation: &str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let aws_error = |kind, code: Option<String>, message: String| Self {
            operation: operation.to_owned(),
            kind,
            code,
            message: shortened(&without_passwords(&one_line(&message))),
            retry_after: None,
        };
        match error {
            SdkError::ServiceError(context) => {
                let (code, message) = (context.err().code(), context.err().message());
                Self::of_response(operation, context.raw(), code, message.unwrap_or_default())
            }
            SdkError::ResponseError(context) => {
                let status = context.raw().status();
                // A web page is not from AWS. Otherwise, a part of the response may have been lost in transit.
                if status.is_success() && !is_page(context.raw()) {
                    aws_error(AwsErrorKind::Unreadable, None, UNREADABLE.to_owned())
                } else {
                    let message = format!("{}, and it could not be read", foreign(status.as_u16()));
                    aws_error(AwsErrorKind::NotAws, None, message)
                }
            }
            SdkError::TimeoutError(_) => aws_error(AwsErrorKind::Unanswered, None, "the request timed out".to_owned()),
            SdkError::DispatchFailure(context) => {
                let connect = context.as_connector_error().is_some_and(is_connect_error);
                let kind = match (connect, is_credentials_error(context.as_connector_error())) {
                    (_, true) => AwsErrorKind::Credentials,
                    (true, _) => AwsErrorKind::NoConnection,
                    _ => AwsErrorKind::Unanswered,
                };
                let message = context
                    .as_connector_error()
                    .map_or_else(String::new, |error| innermost(error));
                aws_error(kind, None, message)
            }
            SdkError::ConstructionFailure(_) | _ => {
                let source = error
                    .into_source()
                    .unwrap_or_else(|_| "the request could not be created".into());
                let credentials = chain(source.as_ref()).any(<dyn std::error::Error + 'static>::is::<CredentialsError>);
                let kind = if credentials {
                    AwsErrorKind::Credentials
                } else {
                    AwsErrorKind::Service
                };
                aws_error(kind, None, innermost(source.as_ref()))
            }
        }
    }

    /// Classifies a service error that another type wraps; `None` if it has no error code.
    pub fn from_wrapped(operation: &str, error: &impl ProvideErrorMetadata) -> Option<Self> {
        let code = error.code()?;
        // There is no status; with 400, an unknown code is classified as a service error.
        let kind = classify(code, 400);
        Some(Self {
            operation: operation.to_owned(),
            kind,
            code: Some(one_line(code)),
            message: one_line(error.message().unwrap_or_default()),
            retry_after: None,
        })
    }

    /// [`of`](Self::of) for a HEAD request, whose response has no body: the error is classified by its status.
    pub fn of_head<E>(operation: &str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|raw| raw.status().as_u16());
        let (kind, message) = match status {
            Some(403) => (AwsErrorKind::Denied, "403 Forbidden"),
            Some(404) => (AwsErrorKind::NotFound, "404 Not Found"),
            Some(429 | 503) => (AwsErrorKind::Throttled, "503 Slow Down"),
            _ => return Self::of(operation, error),
        };
        Self {
            operation: operation.to_owned(),
            kind,
            code: None,
            message: message.to_owned(),
            retry_after: None,
        }
    }

    /// Whether the operation uses no AWS credentials: it takes a token, or nothing at all.
    pub fn is_unsigned(&self) -> bool {
        const PORTAL_OPERATIONS: [&str; 3] = ["sso:GetRoleCredentials", "sso:ListAccountRoles", "sso:ListAccounts"];
        self.operation.starts_with("sso-oidc:") || PORTAL_OPERATIONS.contains(&self.operation.as_str())
    }

    /// Classifies a response of the service, or of something in its place.
    fn of_response(operation: &str, raw: &HttpResponse, code: Option<&str>, message: &str) -> Self {
        let status = raw.status().as_u16();
        let html = is_page(raw);
        let aws_error = |kind, code: Option<&str>, message: String| Self {
            operation: operation.to_owned(),
            kind,
            code: code.map(|code| shortened(&one_line(code))),
            message: shortened(&without_passwords(&one_line(&message))),
            retry_after: raw.body().bytes().and_then(read_retries::retry_after),
        };
        match code {
            Some(code) if !html => aws_error(classify(code, status), Some(code), message.to_owned()),
            _ if is_from_emulator(raw) => aws_error(AwsErrorKind::NotImplemented, None, foreign(status)),
            _ if status >= 500 && !html => aws_error(AwsErrorKind::ServerError, None, foreign(status)),
            // The SDK reports a success that it cannot read as an error without a code.
            _ if raw.status().is_success() && !html => aws_error(AwsErrorKind::Unreadable, None, UNREADABLE.to_owned()),
            _ => aws_error(AwsErrorKind::NotAws, None, foreign(status)),
        }
    }

    /// The error for a response that was truncated or modified in transit, if only the caller can detect it.
    pub fn unreadable(operation: &str) -> Self {
        Self {
            operation: operation.to_owned(),
            kind: AwsErrorKind::Unreadable,
            code: None,
            message: UNREADABLE.to_owned(),
            retry_after: None,
        }
    }

    /// The error for a call that needs a resource which a read does not show yet.
    pub fn not_visible(operation: &str) -> Self {
        Self {
            operation: operation.to_owned(),
            kind: AwsErrorKind::NotFound,
            code: None,
            message: "a read does not show the resource".to_owned(),
            retry_after: None,
        }
    }

    /// The error for a request that could not be built because a field is missing. The rules for answers prevent this.
    pub fn unbuilt(operation: &str, error: &dyn std::error::Error) -> Self {
        Self {
            operation: operation.to_owned(),
            kind: AwsErrorKind::Invalid,
            code: None,
            message: error.to_string(),
            retry_after: None,
        }
    }

    /// The ID in the response of a create call. Without an ID, the response was truncated: the SDK ignores missing
    /// members.
    ///
    /// # Errors
    /// [`AwsErrorKind::Unreadable`] if there is no ID.
    pub fn require_id<T: FromStr>(operation: &str, id: &str) -> Result<T, Self> {
        let parsed = if id.is_empty() { None } else { id.parse().ok() };
        parsed.ok_or_else(|| Self {
            operation: operation.to_owned(),
            kind: AwsErrorKind::Unreadable,
            code: None,
            message: "the response contains no valid ID".to_owned(),
            retry_after: None,
        })
    }

    /// Whether it is known that the call had no effect. A proxy that returns a web page instead of the response may
    /// have forwarded the call.
    pub fn outcome_known(&self) -> bool {
        !matches!(
            self.kind,
            AwsErrorKind::Unanswered | AwsErrorKind::ServerError | AwsErrorKind::Unreadable | AwsErrorKind::NotAws
        )
    }

    /// Whether the same call is likely to succeed in a moment.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            AwsErrorKind::Unanswered
                | AwsErrorKind::ServerError
                | AwsErrorKind::Unreadable
                | AwsErrorKind::NoConnection
                | AwsErrorKind::Throttled
        )
    }

    /// Whether the service returned this error code.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// One sentence: what failed, and the reason in the words of AWS.
    pub fn sentence(&self) -> String {
        let (operation, code) = (&self.operation, self.code.as_deref().unwrap_or_default());
        let message = if self.message.is_empty() {
            "no reason given"
        } else {
            &self.message
        };
        match self.kind {
            AwsErrorKind::NoConnection => format!("{operation} could not be reached: {message}"),
            AwsErrorKind::Unanswered => format!("{operation} did not respond: {message}"),
            AwsErrorKind::NotAws | AwsErrorKind::NotImplemented => {
                format!("{operation} was not answered by AWS: {message}")
            }
            AwsErrorKind::Unreadable => format!("{operation} responded, but {message}"),
            _ if code.is_empty() => format!("{operation} failed: {message}"),
            _ => format!("{operation} returned {code}: {message}"),
        }
    }
}

/// The message for a success response that cannot be read.
const UNREADABLE: &str = "the response cannot be read (truncated, or modified in transit)";

fn classify(code: &str, status: u16) -> AwsErrorKind {
    match code {
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" | "AuthorizationError" => {
            AwsErrorKind::Denied
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException" => AwsErrorKind::Credentials,
        "ResourceNotFoundException" | "AWSOrganizationsNotInUseException" | "NoSuchEntity" => AwsErrorKind::NotFound,
        "ConflictException"
        | "OperationAborted"
        | "AlreadyInOrganizationException"
        | "ConcurrentModificationException" => AwsErrorKind::Conflict,
        "ThrottlingException" | "Throttling" | "TooManyRequestsException" | "RequestLimitExceeded" | "SlowDown" => {
            AwsErrorKind::Throttled
        }
        "ValidationException" | "InvalidRequestException" | "InvalidInputException" | "InvalidParameterException" => {
            AwsErrorKind::Invalid
        }
        "InternalServerException" | "InternalFailure" | "ServiceUnavailable" | "ServiceException" => {
            AwsErrorKind::ServerError
        }
        "NotImplemented" => AwsErrorKind::NotImplemented,
        _ if status >= 500 => AwsErrorKind::ServerError,
        _ => AwsErrorKind::Service,
    }
}

fn is_page(raw: &HttpResponse) -> bool {
    let kind = raw.headers().get("content-type");
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}

/// Whether the response is moto's for an operation that it does not implement: its web framework returns a page with
/// status 500 or 501. A page of another server does not say that the operation is missing.
fn is_from_emulator(raw: &HttpResponse) -> bool {
    let server = raw.headers().get("server").unwrap_or_default();
    matches!(raw.status().as_u16(), 500 | 501) && server.starts_with("Werkzeug/")
}

fn foreign(status: u16) -> String {
    format!("HTTP status {status} with a page that is not a response of this service")
}

/// The connection was refused, or the host name was not found: nothing was sent.
fn is_connect_error(error: &ConnectorError) -> bool {
    chain(error).any(|error| {
        let text = error.to_string();
        text.contains("tcp connect error") || text.contains("dns error") || text.contains("client error (Connect)")
    })
}

fn is_credentials_error(error: Option<&ConnectorError>) -> bool {
    error.is_some_and(|error| chain(error).any(<dyn std::error::Error + 'static>::is::<CredentialsError>))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The message of the last error in a chain, which is the most specific one.
pub fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_classified_by_code() {
        assert_eq!(classify("AccessDeniedException", 400), AwsErrorKind::Denied);
        assert_eq!(classify("ConflictException", 400), AwsErrorKind::Conflict);
        assert_eq!(classify("SomethingNew", 503), AwsErrorKind::ServerError);
        assert_eq!(classify("SomethingNew", 400), AwsErrorKind::Service);
    }
}
