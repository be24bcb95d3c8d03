//! Amazon S3, as far as a trail needs it: buckets, their public access block, policy and tags.

use serde_json::{Value, json};

use crate::protocol::error::{Answer, ServiceError};
use crate::services::request::text;
use crate::services::request::{Request, not_simulated};
use crate::state::{Bucket, Cloud, Identity};

/// Answers an operation of `s3`: members with a small first letter go as headers.
pub fn answer(cloud: &mut Cloud, caller: &Identity, request: &Request) -> Answer {
    let input = request.input;
    if request.operation == "CreateBucket" {
        return create(cloud, caller, request);
    }
    let partition = cloud.partition();
    let (name, bucket) = bucket(cloud, caller, request)?;
    match request.operation {
        "HeadBucket" => Ok(json!({"x-amz-bucket-region": bucket.region})),
        "GetBucketLocation" => {
            let region = bucket.region.clone();
            let told = if region == "us-east-1" {
                Value::Null
            } else {
                json!(region)
            };
            Ok(json!({"LocationConstraint": told}))
        }
        "ListObjectsV2" => Ok(list_objects(bucket, &name, input)),
        "PutPublicAccessBlock" => {
            let wanted = &input["PublicAccessBlockConfiguration"];
            for (name, blocked) in &mut bucket.public_access_block {
                *blocked = wanted[name.as_str()].as_bool().unwrap_or_default();
            }
            Ok(Value::Null)
        }
        "GetPublicAccessBlock" => Ok(json!({"PublicAccessBlockConfiguration": bucket.public_access_block})),
        "PutBucketPolicy" => put_policy(bucket, &name, partition, text(input, "Policy")),
        "GetBucketPolicy" => bucket.policy.clone().map(Value::String).ok_or_else(|| {
            ServiceError::new("NoSuchBucketPolicy", "The bucket policy does not exist").with_status(404)
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
        "GetBucketTagging" => get_tags(bucket),
        "DeleteBucket" if !bucket.objects.is_empty() => {
            let why = "The bucket you tried to delete is not empty";
            Err(ServiceError::new("BucketNotEmpty", why).with_status(409))
        }
        "DeleteBucket" => {
            cloud.buckets.remove(&name);
            Ok(Value::Null)
        }
        other => Err(not_simulated("s3", other)),
    }
}

/// The bucket of the request, if the caller owns it and expects its owner.
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
        return Err(elsewhere(name, &bucket.region));
    }
    Ok((name.to_owned(), bucket))
}

/// "Making requests using the REST API": a bucket of another Region answers 301, and says in a header where it is.
fn elsewhere(name: &str, region: &str) -> ServiceError {
    let why = "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all \
               future requests to this endpoint.";
    ServiceError::new("PermanentRedirect", why)
        .with_status(301)
        .with("Bucket", name)
        .with("Endpoint", format!("{name}.s3.{region}.amazonaws.com"))
        .with("x-amz-bucket-region", region)
}

/// One page: nobody here has a thousand objects.
fn list_objects(bucket: &Bucket, name: &str, input: &Value) -> Value {
    let most = input["MaxKeys"]
        .as_u64()
        .map_or(1000, |most| usize::try_from(most).unwrap_or(1000));
    let listed: Vec<Value> = bucket
        .objects
        .iter()
        .take(most)
        .map(|key| json!({"Key": key}))
        .collect();
    json!({"ListBucketResult": {
        "Name": name,
        "KeyCount": listed.len(),
        "MaxKeys": most,
        "IsTruncated": listed.len() < bucket.objects.len(),
        "Contents": listed,
    }})
}

fn create(cloud: &mut Cloud, caller: &Identity, request: &Request) -> Answer {
    let (input, name) = (request.input, text(request.input, "Bucket"));
    if !is_bucket_name(name) {
        return Err(ServiceError::new(
            "InvalidBucketName",
            "The specified bucket is not valid.",
        ));
    }
    let wanted = input["CreateBucketConfiguration"]["LocationConstraint"].as_str();
    let fits = match (request.region, wanted) {
        ("us-east-1", Some("us-east-1")) => {
            let why = "The specified location-constraint is not valid";
            return Err(ServiceError::new("InvalidLocationConstraint", why));
        }
        // The endpoint of us-east-1 makes buckets anywhere.
        ("us-east-1", _) => true,
        (region, wanted) => wanted == Some(region),
    };
    if !fits {
        let why = format!(
            "The {} location constraint is incompatible for the region specific endpoint this request was sent to.",
            wanted.unwrap_or("unspecified")
        );
        return Err(ServiceError::new("IllegalLocationConstraintException", why));
    }
    let location = json!({"location": format!("/{name}")});
    match cloud.buckets.get(name) {
        Some(bucket) if bucket.owner != caller.account => {
            let why = "The requested bucket name is not available. The bucket namespace is shared by all users of the \
                       system. Please select a different name and try again.";
            Err(ServiceError::new("BucketAlreadyExists", why).with_status(409))
        }
        // For old clients' sake, us-east-1 says yes again to the owner.
        Some(bucket) if bucket.region == "us-east-1" && request.region == "us-east-1" => Ok(location),
        Some(_) => {
            let why = "Your previous request to create the named bucket succeeded and you already own it.";
            Err(ServiceError::new("BucketAlreadyOwnedByYou", why).with_status(409))
        }
        None => {
            let bucket = Bucket {
                owner: caller.account.clone(),
                region: wanted.unwrap_or(request.region).to_owned(),
                ..Bucket::default()
            };
            cloud.buckets.insert(name.to_owned(), bucket);
            Ok(location)
        }
    }
}

/// "Bucket naming rules" of the S3 user guide, as far as letters go.
fn is_bucket_name(name: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'.';
    let edge = |c: Option<&u8>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len()) && bytes.iter().all(|c| inner(*c)) && edge(bytes.first()) && edge(bytes.last())
}

fn put_policy(bucket: &mut Bucket, name: &str, partition: &str, policy: &str) -> Answer {
    let malformed = |why: &str| ServiceError::new("MalformedPolicy", why);
    let document: Value = serde_json::from_str(policy).map_err(|_| malformed("This policy contains invalid Json"))?;
    let statements = statements(&document);
    if statements.is_empty() {
        return Err(malformed("Missing required field Statement"));
    }
    let own = format!("arn:{partition}:s3:::{name}");
    for statement in &statements {
        let resources = one_or_more(&statement["Resource"]);
        let of_bucket = |resource: &String| *resource == own || resource.starts_with(&format!("{own}/"));
        if resources.is_empty() || !resources.iter().all(of_bucket) {
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

fn get_tags(bucket: &Bucket) -> Answer {
    if bucket.tags.is_empty() {
        return Err(ServiceError::new("NoSuchTagSet", "The TagSet does not exist").with_status(404));
    }
    let tags: Vec<Value> = bucket
        .tags
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    Ok(json!({"Tagging": {"TagSet": {"Tag": tags}}}))
}

/// The statements of a policy document; a single one need not stand in a list.
pub fn statements(document: &Value) -> Vec<Value> {
    match &document["Statement"] {
        Value::Array(statements) => statements.clone(),
        Value::Object(_) => vec![document["Statement"].clone()],
        _ => Vec::new(),
    }
}

/// A text or a list of texts, as policies have them.
pub fn one_or_more(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
