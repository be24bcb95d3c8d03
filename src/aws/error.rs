//! Failed calls, sorted by what they mean for whoever made them. Service errors go by code, never by HTTP
//! status or message.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::retry;
use crate::text::one_line;

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    /// `service:Operation`, as IAM writes it.
    pub operation: String,
    /// What it means.
    pub kind: AwsErrorKind,
    /// The service's error code, when the service answered.
    pub code: Option<String>,
    /// The service's words, or the transport's.
    pub message: String,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
}

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// The caller may not do this.
    Denied,
    /// There are no credentials, or they are expired or not valid.
    Credentials,
    /// The thing is not there, or not yet.
    NotFound,
    /// It is there already, or a write before it has not spread.
    Conflict,
    /// Too many requests.
    Throttled,
    /// The service does not accept the request as it is.
    Invalid,
    /// Another error of the service, by its code.
    Service,
    /// The service had trouble of its own; whether the call took effect is not known.
    ServiceTrouble,
    /// No connection could be made: the call was never sent.
    NoConnection,
    /// No answer came; whether the call took effect is not known.
    Unanswered,
    /// What answered is not AWS.
    NotAws,
    /// What answered does not have this operation: an emulator that has only a part of AWS.
    NotThere,
    /// The service took the call and its answer cannot be read: whether the call took effect is not known.
    Unreadable,
}

impl AwsError {
    /// Sorts the SDK's error for an operation such as `sso:ListInstances`.
    pub fn of<E>(operation: &str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let aws_error = |kind, code: Option<String>, message: String| Self {
            operation: operation.to_owned(),
            kind,
            code,
            message: one_line(&message),
            retry_after: None,
        };
        match error {
            SdkError::ServiceError(context) => {
                let (code, message) = (context.err().code(), context.err().message());
                Self::of_answer(operation, context.raw(), code, message.unwrap_or_default())
            }
            SdkError::ResponseError(context) => {
                let status = context.raw().status();
                // A page is somebody else's; the rest of an answer may have been lost on the way.
                if status.is_success() && !is_page(context.raw()) {
                    aws_error(AwsErrorKind::Unreadable, None, CUT_SHORT.to_owned())
                } else {
                    let words = format!("{}, and it could not be read", foreign(status.as_u16()));
                    aws_error(AwsErrorKind::NotAws, None, words)
                }
            }
            SdkError::TimeoutError(_) => aws_error(AwsErrorKind::Unanswered, None, "no answer came in time".to_owned()),
            SdkError::DispatchFailure(context) => {
                let connect = context.as_connector_error().is_some_and(is_connect_error);
                let kind = match (connect, is_credentials_error(context.as_connector_error())) {
                    (_, true) => AwsErrorKind::Credentials,
                    (true, _) => AwsErrorKind::NoConnection,
                    _ => AwsErrorKind::Unanswered,
                };
                let words = context
                    .as_connector_error()
                    .map_or_else(String::new, |error| innermost(error));
                aws_error(kind, None, words)
            }
            SdkError::ConstructionFailure(_) | _ => {
                let source = error
                    .into_source()
                    .unwrap_or_else(|_| "the request could not be made".into());
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

    /// What a service said through somebody who only hands its error on; `None` when it gave no code.
    pub fn said(operation: &str, error: &impl ProvideErrorMetadata) -> Option<Self> {
        let code = error.code()?;
        // Without a status, what is not known is the service's.
        let kind = sort(code, 400);
        Some(Self {
            operation: operation.to_owned(),
            kind,
            code: Some(one_line(code)),
            message: one_line(error.message().unwrap_or_default()),
            retry_after: None,
        })
    }

    /// [`of`](Self::of) a HEAD, whose answer has no body: nothing but the status tells what is wrong.
    pub fn of_head<E>(operation: &str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|raw| raw.status().as_u16());
        let (kind, words) = match status {
            Some(403) => (AwsErrorKind::Denied, "403 Forbidden"),
            Some(404) => (AwsErrorKind::NotFound, "404 Not Found"),
            Some(429 | 503) => (AwsErrorKind::Throttled, "503 Slow Down"),
            _ => return Self::of(operation, error),
        };
        Self {
            operation: operation.to_owned(),
            kind,
            code: None,
            message: words.to_owned(),
            retry_after: None,
        }
    }

    /// Whether the call is signed with nobody's credentials: it takes a token, or nothing at all.
    pub fn is_of_nobody(&self) -> bool {
        const OF_THE_PORTAL: [&str; 3] = ["sso:GetRoleCredentials", "sso:ListAccountRoles", "sso:ListAccounts"];
        self.operation.starts_with("sso-oidc:") || OF_THE_PORTAL.contains(&self.operation.as_str())
    }

    /// What a service, or something in its place, answered.
    fn of_answer(operation: &str, raw: &HttpResponse, code: Option<&str>, message: &str) -> Self {
        let status = raw.status().as_u16();
        let html = is_page(raw);
        let aws_error = |kind, code: Option<&str>, message: String| Self {
            operation: operation.to_owned(),
            kind,
            code: code.map(one_line),
            message: one_line(&message),
            retry_after: raw.body().bytes().and_then(retry::retry_after),
        };
        match code {
            Some(code) if !html => aws_error(sort(code, status), Some(code), message.to_owned()),
            _ if is_of_an_emulator(raw) => aws_error(AwsErrorKind::NotThere, None, foreign(status)),
            _ if status >= 500 && !html => aws_error(AwsErrorKind::ServiceTrouble, None, foreign(status)),
            // The SDK takes a success that it cannot read for an error without a code.
            _ if raw.status().is_success() && !html => aws_error(AwsErrorKind::Unreadable, None, CUT_SHORT.to_owned()),
            _ => aws_error(AwsErrorKind::NotAws, None, foreign(status)),
        }
    }

    /// An answer that was cut short or changed on the way, where only the one who asked can tell.
    pub fn unreadable(operation: &str) -> Self {
        Self {
            operation: operation.to_owned(),
            kind: AwsErrorKind::Unreadable,
            code: None,
            message: CUT_SHORT.to_owned(),
            retry_after: None,
        }
    }

    /// The id in a create's answer. Without one the answer was not read whole: the SDK makes nothing of what is missing.
    ///
    /// # Errors
    /// [`AwsErrorKind::Unreadable`] when there is none.
    pub fn unless_without_id(operation: &str, id: String) -> Result<String, Self> {
        if !id.is_empty() {
            return Ok(id);
        }
        Err(Self {
            operation: operation.to_owned(),
            kind: AwsErrorKind::Unreadable,
            code: None,
            message: "its answer does not say what was made".to_owned(),
            retry_after: None,
        })
    }

    /// Whether it is known that the call took no effect. Whoever puts a page in an answer's place may have handed the call on.
    pub fn outcome_known(&self) -> bool {
        !matches!(
            self.kind,
            AwsErrorKind::Unanswered | AwsErrorKind::ServiceTrouble | AwsErrorKind::Unreadable | AwsErrorKind::NotAws
        )
    }

    /// Whether the same call may well succeed in a moment.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            AwsErrorKind::Unanswered
                | AwsErrorKind::ServiceTrouble
                | AwsErrorKind::Unreadable
                | AwsErrorKind::NoConnection
                | AwsErrorKind::Throttled
        )
    }

    /// Whether the service answered with this code.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// One sentence: what failed and why, as AWS put it.
    pub fn sentence(&self) -> String {
        let (operation, code) = (&self.operation, self.code.as_deref().unwrap_or_default());
        let words = if self.message.is_empty() {
            "no reason given"
        } else {
            &self.message
        };
        match self.kind {
            AwsErrorKind::NoConnection => format!("{operation} could not be reached: {words}"),
            AwsErrorKind::Unanswered => format!("{operation} did not answer: {words}"),
            AwsErrorKind::NotAws | AwsErrorKind::NotThere => format!("{operation} was not answered by AWS: {words}"),
            AwsErrorKind::Unreadable => format!("{operation} was answered: {words}"),
            _ if code.is_empty() => format!("{operation} failed: {words}"),
            _ => format!("{operation} answered {code}: {words}"),
        }
    }
}

/// Of a success that cannot be read.
const CUT_SHORT: &str = "its answer cannot be read (cut short, or changed on the way)";

fn sort(code: &str, status: u16) -> AwsErrorKind {
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
            AwsErrorKind::ServiceTrouble
        }
        "NotImplemented" => AwsErrorKind::NotThere,
        _ if status >= 500 => AwsErrorKind::ServiceTrouble,
        _ => AwsErrorKind::Service,
    }
}

fn is_page(raw: &HttpResponse) -> bool {
    let kind = raw.headers().get("content-type");
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}

/// Where moto does not know an operation, its web framework says so with a page and a status of 500 or 501. That of anybody
/// else is no word on what there is.
fn is_of_an_emulator(raw: &HttpResponse) -> bool {
    let server = raw.headers().get("server").unwrap_or_default();
    matches!(raw.status().as_u16(), 500 | 501) && server.starts_with("Werkzeug/")
}

fn foreign(status: u16) -> String {
    format!("HTTP status {status} with a page that is not an answer of this service")
}

/// The connection was refused, or the name is not known: nothing was sent.
fn is_connect_error(error: &ConnectorError) -> bool {
    chain(error).any(|error| {
        let words = error.to_string();
        words.contains("tcp connect error") || words.contains("dns error") || words.contains("client error (Connect)")
    })
}

fn is_credentials_error(error: Option<&ConnectorError>) -> bool {
    error.is_some_and(|error| chain(error).any(<dyn std::error::Error + 'static>::is::<CredentialsError>))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The last error of a chain says the most in the fewest words.
pub fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sorted_by_code() {
        assert_eq!(sort("AccessDeniedException", 400), AwsErrorKind::Denied);
        assert_eq!(sort("ConflictException", 400), AwsErrorKind::Conflict);
        assert_eq!(sort("SomethingNew", 503), AwsErrorKind::ServiceTrouble);
        assert_eq!(sort("SomethingNew", 400), AwsErrorKind::Service);
    }
}
