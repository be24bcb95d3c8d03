//! Amazon S3, to the extent that a trail needs it: buckets with their public access block, policy and tags.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::protocol::error::{ServiceError, ServiceResult};
use crate::services::request::text;
use crate::services::request::{Request, not_simulated};
use crate::state::{Bucket, Cloud, Identity};

/// Handles an operation of `s3`.
pub fn handle(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    let input = request.input;
    match request.operation {
        "CreateBucket" => return create(cloud, caller, request),
        "ListBuckets" => return Ok(list_buckets(cloud, caller)),
        _ => {}
    }
    let partition = cloud.partition();
    let (name, bucket) = bucket(cloud, caller, request)?;
    let named = |error: ServiceError| error.with_status(404).with("BucketName", name.as_str());
    match request.operation {
        "HeadBucket" => Ok(json!({"BucketRegion": bucket.region})),
        "GetBucketLocation" => {
            let region = bucket.region.clone();
            let location = if region == "us-east-1" {
                Value::Null
            } else {
                json!(region)
            };
            Ok(json!({"LocationConstraint": location}))
        }
        "ListObjectsV2" => Ok(list_objects(bucket, &name, input)),
        "ListObjects" => {
            let mut listed = list_objects(bucket, &name, input);
            if let Some(listed) = listed.as_object_mut() {
                listed.remove("KeyCount");
            }
            Ok(listed)
        }
        "PutPublicAccessBlock" => {
            let settings = &input["PublicAccessBlockConfiguration"];
            for (name, blocked) in &mut bucket.public_access_block {
                *blocked = settings[name.as_str()].as_bool().unwrap_or_default();
            }
            Ok(Value::Null)
        }
        "GetPublicAccessBlock" => Ok(json!({"PublicAccessBlockConfiguration": bucket.public_access_block})),
        "PutBucketPolicy" => put_policy(bucket, &name, partition, text(input, "Policy")),
        "GetBucketPolicy" => bucket
            .policy
            .as_ref()
            .map(|policy| json!({ "Policy": policy }))
            .ok_or_else(|| {
                named(ServiceError::new(
                    "NoSuchBucketPolicy",
                    "The bucket policy does not exist",
                ))
            }),
        "DeleteBucketPolicy" => {
            bucket.policy = None;
            Ok(Value::Null)
        }
        "PutBucketTagging" => {
            let rows = input["Tagging"]["TagSet"].as_array().into_iter().flatten();
            bucket.tags = rows
                .map(|tag| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned()))
                .collect();
            Ok(Value::Null)
        }
        "GetBucketTagging" => get_tags(bucket).map_err(named),
        "DeleteBucket" if !bucket.objects.is_empty() => {
            let message = "The bucket you tried to delete is not empty";
            Err(ServiceError::new("BucketNotEmpty", message).with_status(409))
        }
        "DeleteBucket" => {
            cloud.buckets.remove(&name);
            Ok(Value::Null)
        }
        "PutBucketVersioning" | "PutBucketEncryption" | "PutBucketOwnershipControls" => {
            let (setting, member) = setting_of(request.operation);
            bucket.settings.insert(setting.to_owned(), input[member].clone());
            Ok(Value::Null)
        }
        other => settings(bucket, other)
            .unwrap_or_else(|| Err(not_simulated("s3", other)))
            .map_err(|error| if error.status == 501 { error } else { named(error) }),
    }
}

/// Returns the name of a setting in the state, and the member of the request that holds it.
fn setting_of(operation: &str) -> (&'static str, &'static str) {
    match operation {
        "PutBucketVersioning" => ("versioning", "VersioningConfiguration"),
        "PutBucketEncryption" => ("encryption", "ServerSideEncryptionConfiguration"),
        _ => ("ownership", "OwnershipControls"),
    }
}

/// The settings of a bucket: those that were set, or those of a new bucket. S3 encrypts new objects since January 2023, and
/// new buckets have no ACLs since April 2023.
fn settings(bucket: &Bucket, operation: &str) -> Option<ServiceResult> {
    let missing = |code: &str, message: &str| Err(ServiceError::new(code, message));
    let setting = |name: &str, default: Value| bucket.settings.get(name).cloned().unwrap_or(default);
    Some(match operation {
        "GetBucketVersioning" => Ok(setting("versioning", json!({}))),
        "GetBucketEncryption" => {
            let by_default = json!({"Rules": [
                {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": false},
            ]});
            Ok(json!({ "ServerSideEncryptionConfiguration": setting("encryption", by_default) }))
        }
        "GetBucketOwnershipControls" => {
            let by_default = json!({"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]});
            Ok(json!({ "OwnershipControls": setting("ownership", by_default) }))
        }
        "GetBucketAcl" => {
            let owner = json!({"ID": canonical_id(&bucket.owner)});
            let grantee = json!({"ID": canonical_id(&bucket.owner), "Type": "CanonicalUser"});
            Ok(json!({"Owner": owner, "Grants": [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]}))
        }
        "GetBucketLogging" | "GetBucketAccelerateConfiguration" => Ok(json!({})),
        "GetBucketRequestPayment" => Ok(json!({"Payer": "BucketOwner"})),
        "GetBucketCors" => missing("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
        "GetBucketWebsite" => missing(
            "NoSuchWebsiteConfiguration",
            "The specified bucket does not have a website configuration",
        ),
        "GetBucketLifecycleConfiguration" => missing(
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist",
        ),
        "GetBucketReplication" => missing(
            "ReplicationConfigurationNotFoundError",
            "The replication configuration was not found",
        ),
        "GetObjectLockConfiguration" => missing(
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        ),
        _ => return None,
    })
}

/// The canonical user ID of an account: 64 hexadecimal digits.
fn canonical_id(account: &str) -> String {
    format!("{account:0>64}")
}

/// `ListBuckets`: those of the caller's account, by name.
fn list_buckets(cloud: &Cloud, caller: &Identity) -> Value {
    let own = cloud
        .buckets
        .iter()
        .filter(|(_, bucket)| bucket.owner == caller.account);
    let rows: Vec<Value> = own
        .map(|(name, bucket)| {
            let created = bucket.created.unwrap_or(Timestamp::constant(1_767_225_600, 0));
            json!({"Name": name, "BucketRegion": bucket.region, "CreationDate": created.to_string()})
        })
        .collect();
    json!({"Owner": {"ID": canonical_id(&caller.account)}, "Buckets": rows})
}

/// Returns the bucket of the request, if it belongs to the caller and to `ExpectedBucketOwner`, and is in the Region of
/// the request.
fn bucket<'a>(
    cloud: &'a mut Cloud,
    caller: &Identity,
    request: &Request,
) -> Result<(String, &'a mut Bucket), ServiceError> {
    let name = text(request.input, "Bucket");
    let bucket = cloud
        .buckets
        .get_mut(name)
        .ok_or_else(|| ServiceError::new("NoSuchBucket", "The specified bucket does not exist").with_status(404))?;
    let expected = request.input["ExpectedBucketOwner"].as_str();
    if bucket.owner != caller.account || expected.is_some_and(|owner| owner != bucket.owner) {
        return Err(ServiceError::new("AccessDenied", "Access Denied").with_status(403));
    }
    if bucket.region != request.region {
        return Err(wrong_region(name, &bucket.region));
    }
    Ok((name.to_owned(), bucket))
}

/// Returns the error for a request in another Region than the bucket's: HTTP 301 with the bucket's Region in a header
/// ("Making requests using the REST API").
fn wrong_region(name: &str, region: &str) -> ServiceError {
    let message = "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all \
               future requests to this endpoint.";
    ServiceError::new("PermanentRedirect", message)
        .with_status(301)
        .with("Bucket", name)
        .with("Endpoint", format!("{name}.s3.{region}.amazonaws.com"))
        .with("x-amz-bucket-region", region)
}

/// `ListObjectsV2`, without further pages: simulated buckets never contain a thousand objects.
fn list_objects(bucket: &Bucket, name: &str, input: &Value) -> Value {
    let max_keys = input["MaxKeys"]
        .as_u64()
        .map_or(1000, |max_keys| usize::try_from(max_keys).unwrap_or(1000));
    let listed: Vec<Value> = bucket
        .objects
        .iter()
        .take(max_keys)
        .map(|key| json!({"Key": key}))
        .collect();
    json!({
        "Name": name,
        "KeyCount": listed.len(),
        "MaxKeys": max_keys,
        "IsTruncated": listed.len() < bucket.objects.len(),
        "Contents": listed,
    })
}

fn create(cloud: &mut Cloud, caller: &Identity, request: &Request) -> ServiceResult {
    let (input, name) = (request.input, text(request.input, "Bucket"));
    if !is_bucket_name(name) {
        return Err(ServiceError::new(
            "InvalidBucketName",
            "The specified bucket is not valid.",
        ));
    }
    let location = input["CreateBucketConfiguration"]["LocationConstraint"].as_str();
    let is_compatible = match (request.region, location) {
        ("us-east-1", Some("us-east-1")) => {
            let message = "The specified location-constraint is not valid";
            return Err(ServiceError::new("InvalidLocationConstraint", message));
        }
        // The endpoint of us-east-1 creates buckets in any Region.
        ("us-east-1", _) => true,
        (region, location) => location == Some(region),
    };
    if !is_compatible {
        let message = format!(
            "The {} location constraint is incompatible for the region specific endpoint this request was sent to.",
            location.unwrap_or("unspecified")
        );
        return Err(ServiceError::new("IllegalLocationConstraintException", message));
    }
    let response = json!({"Location": format!("/{name}")});
    match cloud.buckets.get(name) {
        Some(bucket) if bucket.owner != caller.account => {
            let message = "The requested bucket name is not available. The bucket namespace is shared by all users of the \
                       system. Please select a different name and try again.";
            Err(ServiceError::new("BucketAlreadyExists", message).with_status(409))
        }
        // For backward compatibility, us-east-1 accepts the request if the caller already owns the bucket.
        Some(bucket) if bucket.region == "us-east-1" && request.region == "us-east-1" => Ok(response),
        Some(_) => {
            let message = "Your previous request to create the named bucket succeeded and you already own it.";
            Err(ServiceError::new("BucketAlreadyOwnedByYou", message).with_status(409))
        }
        None => {
            let bucket = Bucket {
                owner: caller.account.clone(),
                region: location.unwrap_or(request.region).to_owned(),
                created: Some(request.now),
                ..Bucket::default()
            };
            cloud.buckets.insert(name.to_owned(), bucket);
            Ok(response)
        }
    }
}

/// Returns whether a bucket name has a valid length and valid characters ("Bucket naming rules" in the S3 user guide).
fn is_bucket_name(name: &str) -> bool {
    let is_allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'.';
    let is_allowed_at_edge = |c: Option<&u8>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|c| is_allowed(*c))
        && is_allowed_at_edge(bytes.first())
        && is_allowed_at_edge(bytes.last())
}

fn put_policy(bucket: &mut Bucket, name: &str, partition: &str, policy: &str) -> ServiceResult {
    let malformed = |message: &str| ServiceError::new("MalformedPolicy", message);
    let document: Value = serde_json::from_str(policy).map_err(|_| malformed("This policy contains invalid Json"))?;
    let statements = statements(&document);
    if statements.is_empty() {
        return Err(malformed("Missing required field Statement"));
    }
    let bucket_arn = format!("arn:{partition}:s3:::{name}");
    for statement in &statements {
        let resources = string_list(&statement["Resource"]);
        let is_in_bucket =
            |resource: &String| *resource == bucket_arn || resource.starts_with(&format!("{bucket_arn}/"));
        if resources.is_empty() || !resources.iter().all(is_in_bucket) {
            return Err(malformed("Policy has invalid resource"));
        }
    }
    let is_public = statements.iter().any(|statement| {
        let principal = &statement["Principal"];
        statement["Effect"] == "Allow"
            && (principal == "*" || principal["AWS"] == "*")
            && statement["Condition"].is_null()
    });
    if is_public && bucket.public_access_block.get("BlockPublicPolicy") == Some(&true) {
        return Err(ServiceError::new("AccessDenied", "Access Denied").with_status(403));
    }
    bucket.policy = Some(policy.to_owned());
    Ok(Value::Null)
}

fn get_tags(bucket: &Bucket) -> ServiceResult {
    if bucket.tags.is_empty() {
        return Err(ServiceError::new("NoSuchTagSet", "The TagSet does not exist"));
    }
    let tags: Vec<Value> = bucket
        .tags
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    Ok(json!({ "TagSet": tags }))
}

/// Returns the statements of a policy document. A single statement does not have to be in an array.
pub fn statements(document: &Value) -> Vec<Value> {
    match &document["Statement"] {
        Value::Array(statements) => statements.clone(),
        Value::Object(_) => vec![document["Statement"].clone()],
        _ => Vec::new(),
    }
}

/// Returns the strings of a policy element, which is a string or an array of strings.
pub fn string_list(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
