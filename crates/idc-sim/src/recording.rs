//! Recordings of API calls: the lines that `idc-setup --record` writes, and `idc-sim compare` reads. They contain nothing
//! that identifies an account or gives access to it. `docs/recording.md` describes the format.

use std::time::Duration;

use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::protocol::models::{self, SERVICES};
use crate::protocol::wire;
use crate::redaction::{Redactor, is_region};

/// The `format` of the header line.
const FORMAT: &str = "idc-record";
/// The version of the format.
const VERSION: u32 = 1;

/// The first line of a recording.
#[derive(Debug, Deserialize)]
struct Header {
    format: String,
    version: u32,
}

/// A recorded call: a line of a recording.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedCall {
    /// Sequence number, starting at 1, in the order in which the calls began.
    pub n: u64,
    /// botocore's name of the service, such as `sso-admin`.
    pub service: String,
    /// The operation, such as `CreateUser`.
    pub operation: String,
    /// The Region of the call, or `-` if the request does not name one.
    pub region: String,
    /// Which access key signed the request: 1 for the first one, and so on. `None` for an unsigned request.
    pub signer: Option<u32>,
    /// When the call began, in milliseconds since the recording began.
    pub start_ms: u64,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// The HTTP status. `None` if there was no response.
    pub status: Option<u16>,
    /// The members of the request.
    pub request: Value,
    /// The members of the response. For an error, those other than its code and its message.
    pub response: Value,
    /// The error, if the service returned one.
    pub error: Option<RecordedError>,
}

/// The error of a recorded call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedError {
    /// The error code, or `http-STATUS` without one.
    pub code: String,
    /// The words, with pseudonyms in place of values.
    pub message: String,
}

/// A call as it was on the wire.
pub struct Exchange<'a> {
    /// Sequence number.
    pub n: u64,
    /// When the call began, after the recording began.
    pub start: Duration,
    /// How long it took.
    pub duration: Duration,
    /// The request, without its body.
    pub request: &'a Parts,
    /// The body of the request.
    pub body: &'a [u8],
    /// The response, if there was one.
    pub response: Option<RawResponse<'a>>,
}

/// A response as it was on the wire.
pub struct RawResponse<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The header `x-amzn-errortype`.
    pub error_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// Redacts the calls of one recording. It holds real values in memory, and has no `Debug` for this reason.
#[derive(Default)]
pub struct Recording {
    redactor: Redactor,
}

impl Recording {
    /// Returns the header line. `program` is the name and the version of the program that makes the calls.
    pub fn header(program: &str) -> String {
        json!({"format": FORMAT, "version": VERSION, "program": program}).to_string()
    }

    /// Returns the line of a call, or `None` if it is not a call of a service that the simulation knows.
    pub fn line(&mut self, exchange: &Exchange) -> Option<String> {
        let in_path = with_bucket_in_path(exchange.request);
        let parsed = wire::parse(in_path.as_ref().unwrap_or(exchange.request), exchange.body)?;
        let (service, operation) = (parsed.service, parsed.operation.as_str());
        let request = self
            .redactor
            .members(models::input_shape(service, operation), &parsed.input);
        let answer = exchange.response.as_ref().map(|response| {
            wire::read_response(service, operation, response.status, response.error_type, response.body)
        });
        let (response, error) = match answer {
            None => (json!({}), None),
            Some(answer) => {
                let (members, error) = redacted(&mut self.redactor, service, operation, &answer);
                let error = error.map(|(code, message)| RecordedError { code, message });
                (members, error)
            }
        };
        let region = match parsed.region.as_str() {
            "-" => exchange.request.uri.host().and_then(region_of).unwrap_or("-"),
            region => region,
        };
        let call = RecordedCall {
            n: exchange.n,
            service: service.to_owned(),
            // For a request that is no operation, the name would contain the path.
            operation: operation.split(' ').next().unwrap_or_default().to_owned(),
            region: region.to_owned(),
            signer: self.redactor.signer(&parsed.access_key_id),
            start_ms: milliseconds(exchange.start),
            ms: milliseconds(exchange.duration),
            status: exchange.response.as_ref().map(|response| response.status),
            request,
            response,
            error,
        };
        serde_json::to_string(&call).ok()
    }
}

/// Redacts the members and the error of a response.
pub fn redacted(
    redactor: &mut Redactor,
    service: &str,
    operation: &str,
    answer: &wire::Answer,
) -> (Value, Option<(String, String)>) {
    let shape = match &answer.error {
        None => models::output_shape(service, operation),
        Some((code, _)) => models::error_shape(service, operation, code).zip(SERVICES.get(service)),
    };
    let members = redactor.members(shape, &answer.members);
    let error = answer
        .error
        .as_ref()
        .map(|(code, message)| (code.clone(), redactor.message(message)));
    (members, error)
}

/// Returns a request to S3 with the name of the bucket in its path, if it is in the host. The simulation, whose host is an
/// IP address, only knows it there.
fn with_bucket_in_path(request: &Parts) -> Option<Parts> {
    let (bucket, _) = request.uri.host()?.split_once(".s3.")?;
    let rest = request.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut in_path = request.clone();
    in_path.uri = format!("http://s3/{bucket}{rest}").parse().ok()?;
    Some(in_path)
}

/// The Region in the name of an endpoint.
fn region_of(host: &str) -> Option<&str> {
    host.split('.').find(|label| is_region(label))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Reads a recording, and returns its calls in the order in which they began.
///
/// # Errors
/// A message for the user that names the line.
pub fn read(text: &str) -> Result<Vec<RecordedCall>, String> {
    let mut lines = text.lines().enumerate();
    let header = lines
        .next()
        .and_then(|(_, line)| serde_json::from_str::<Header>(line).ok());
    match header {
        Some(header) if header.format == FORMAT && header.version == VERSION => {}
        Some(header) if header.format == FORMAT => {
            return Err(format!(
                "the recording has version {}, and this program reads version {VERSION}",
                header.version
            ));
        }
        _ => return Err("line 1 is not the header of a recording".to_owned()),
    }
    let calls = lines.filter(|(_, line)| !line.trim().is_empty()).map(|(index, line)| {
        let call = serde_json::from_str::<RecordedCall>(line);
        call.map_err(|error| format!("line {} is not a recorded call: {error}", index + 1))
    });
    let mut calls = calls.collect::<Result<Vec<_>, String>>()?;
    calls.sort_by_key(|call| call.n);
    Ok(calls)
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use proptest::prelude::*;

    use super::*;

    /// The line of a call of a JSON service.
    fn line(recording: &mut Recording, target: &str, request: &Value, status: u16, response: &Value) -> String {
        let scope = "AKIAREALKEY000000001/20261129/eu-west-1/sso/aws4_request";
        let head = Request::builder()
            .method("POST")
            .uri("https://sso.eu-west-1.amazonaws.com/")
            .header("x-amz-target", target)
            .header("x-amz-security-token", "a-real-session-token")
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={scope}, Signature=0"),
            )
            .body(())
            .unwrap();
        let (head, request, response) = (head.into_parts().0, request.to_string(), response.to_string());
        let exchange = Exchange {
            n: 1,
            start: Duration::from_millis(1),
            duration: Duration::from_millis(2),
            request: &head,
            body: request.as_bytes(),
            response: Some(RawResponse {
                status,
                error_type: None,
                body: response.as_bytes(),
            }),
        };
        recording.line(&exchange).unwrap()
    }

    fn call(line: &str) -> RecordedCall {
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn a_value_always_has_the_same_pseudonym() {
        let mut recording = Recording::default();
        let user = json!({
            "IdentityStoreId": "d-9067aabbcc",
            "UserName": "ada",
            "DisplayName": "Ada Lovelace",
            "Emails": [{"Value": "ada@corp.example.org", "Primary": true}],
        });
        let created =
            json!({"IdentityStoreId": "d-9067aabbcc", "UserId": "9067aabbcc-1f2e3d4c-70aa-4bbb-8ccc-0123456789ab"});
        let first = line(&mut recording, "AWSIdentityStore.CreateUser", &user, 200, &created);
        let taken = json!({
            "__type": "ConflictException",
            "Message": "Ada Lovelace (ada) of d-9067aabbcc, arn:aws:iam::210987654321:user/ada: Duplicate UserName",
            "Reason": "UNIQUENESS_CONSTRAINT_VIOLATION",
        });
        let second = line(&mut recording, "AWSIdentityStore.CreateUser", &user, 400, &taken);
        let (first, second) = (call(&first), call(&second));
        assert_eq!(first.request, second.request);
        assert_eq!(
            first.request,
            json!({
                "IdentityStoreId": "d-0000000001",
                "UserName": "user-1",
                "DisplayName": "name-1",
                "Emails": [{"Value": "user-1@example.com", "Primary": true}],
            })
        );
        assert_eq!(
            first.response["UserId"],
            "0000000001-00000001-0001-0001-0001-000000000001"
        );
        assert_eq!((first.region.as_str(), first.signer), ("eu-west-1", Some(1)));
        let error = second.error.unwrap();
        assert_eq!(error.code, "ConflictException");
        assert_eq!(
            error.message,
            "name-1 (user-1) of d-0000000001, arn:aws:iam::000000000001:user/user-1: Duplicate UserName"
        );
        assert_eq!(second.response, json!({"Reason": "UNIQUENESS_CONSTRAINT_VIOLATION"}));
    }

    #[test]
    fn what_the_services_define_stays() {
        let mut recording = Recording::default();
        let instance = json!({"Instances": [{
            "InstanceArn": "arn:aws:sso:::instance/ssoins-7223a1b2c3d4e5f6",
            "Status": "ACTIVE",
            "CreatedDate": 1_795_000_000.5,
            "PrimaryRegion": "eu-west-1",
            "Regions": [{"RegionName": "eu-west-1", "IsPrimaryRegion": true, "AddedDate": 1_795_000_010.5}],
            "ANewMember": "something real",
        }]});
        let target = "SWBExternalService.ListInstances";
        let listed = call(&line(&mut recording, target, &json!({}), 200, &instance));
        assert_eq!(
            listed.response,
            json!({"Instances": [{
                "InstanceArn": "arn:aws:sso:::instance/ssoins-0000000000000001",
                "Status": "ACTIVE",
                "CreatedDate": 0.0,
                "PrimaryRegion": "eu-west-1",
                "Regions": [{"RegionName": "eu-west-1", "IsPrimaryRegion": true, "AddedDate": 10.0}],
                "ANewMember": "name-1",
            }]})
        );
        let attach = json!({
            "PermissionSetArn": "arn:aws:sso:::permissionSet/ssoins-7223a1b2c3d4e5f6/ps-0a1b2c3d4e5f6789",
            "ManagedPolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
        });
        let target = "SWBExternalService.AttachManagedPolicyToPermissionSet";
        let attached = call(&line(&mut recording, target, &attach, 200, &json!({})));
        assert_eq!(
            attached.request["ManagedPolicyArn"],
            "arn:aws:iam::aws:policy/AdministratorAccess"
        );
        assert_eq!(
            attached.request["PermissionSetArn"],
            "arn:aws:sso:::permissionSet/ssoins-0000000000000001/ps-0000000000000001"
        );
    }

    #[test]
    fn the_bucket_of_a_request_to_s3_is_in_its_host() {
        let scope = "AKIAREALKEY000000001/20261129/eu-west-1/s3/aws4_request";
        let head = Request::builder()
            .method("GET")
            .uri("https://our-trail.s3.eu-west-1.amazonaws.com/?policy")
            .header("authorization", format!("AWS4-HMAC-SHA256 Credential={scope}"))
            .body(())
            .unwrap();
        let (head, ()) = head.into_parts();
        let exchange = Exchange {
            n: 1,
            start: Duration::ZERO,
            duration: Duration::ZERO,
            request: &head,
            body: b"",
            response: None,
        };
        let line = Recording::default().line(&exchange).unwrap();
        let call = call(&line);
        assert_eq!(
            (call.service.as_str(), call.operation.as_str()),
            ("s3", "GetBucketPolicy")
        );
        assert_eq!(call.request, json!({"Bucket": "bucket-1"}));
        assert_eq!(call.status, None);
    }

    proptest! {
        #[test]
        fn no_secret_and_no_real_value_survives(
            name in "zq[a-z]{5,12}",
            display in "Zq[a-z]{5,9} Zx[a-z]{5,9}",
            email in "zq[a-z]{3,9}@zq[a-z]{3,9}\\.org",
            account in "[1-9]{12}",
            store in "d-9[a-f1-9]{9}",
            id in "[1-9a-f]{8}-[1-9a-f]{4}-70[1-9a-f]{2}-9[1-9a-f]{3}-[1-9a-f]{12}",
            token in "zq[A-Za-z0-9_-]{38,60}",
        ) {
            let mut recording = Recording::default();
            let arn = format!("arn:aws:iam::{account}:user/{name}");
            let policy = json!({"Version": "2012-10-17", "Statement": [{
                "Sid": name, "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": arn,
                "Condition": {"StringEquals": {"aws:PrincipalTag/team": display}},
            }]});
            let request = json!({
                "IdentityStoreId": store, "UserName": name, "DisplayName": display, "Title": display,
                "Emails": [{"Value": email, "Type": name}], "Unknown": {name.clone(): token},
                "InlinePolicy": policy.to_string(), "clientSecret": token, "deviceCode": token,
                "Extensions": {name.clone(): {name.clone(): email}},
                "Url": format!("https://{name}:{token}@{name}.awsapps.com/start?code={token}"),
            });
            let response = json!({
                "UserId": id, "UserArn": arn, "accessToken": token, "refreshToken": token,
                "AccessKeyId": "ASIAREALKEY000000002", "sessionToken": token, "nextToken": token,
                "Website": format!("https://intranet.{name}.org/{account}"),
            });
            let message = format!(
                "User: {arn} ({display}, {email}) in '{store}/{id}' with {token} and AKIAREALKEY000000001, \
                 see https://{name}.example.org/{token}: {name} failed."
            );
            let error = json!({"message": message, "Reason": display});
            let mut text = String::new();
            for target in ["AWSIdentityStore.CreateUser", "AWSIdentityStore.NoSuchOperation"] {
                text += &line(&mut recording, target, &request, 200, &response);
                text += &line(&mut recording, target, &request, 400, &error);
            }
            let words: Vec<&str> = display.split(' ').collect();
            let reals = [&name, &display, &email, &account, &store, &id, &token].map(String::as_str);
            for real in reals.into_iter().chain(words).chain(["REALKEY", "real-session", &store[2..]]) {
                prop_assert!(!text.contains(real), "{real:?} is in:\n{text}");
            }
        }
    }

    #[test]
    fn only_a_recording_of_this_version_is_read() {
        let header = Recording::header("idc-setup 0.1.0");
        assert_eq!(read(&header).unwrap().len(), 0);
        let newer = header.replace("\"version\":1", "\"version\":2");
        assert!(read(&newer).unwrap_err().contains("version 2"));
        assert!(read("").unwrap_err().starts_with("line 1 "));
        assert!(read(&format!("{header}\n{{}}")).unwrap_err().starts_with("line 2 "));
    }
}
