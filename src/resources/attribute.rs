//! Attributes of users and groups in requests to the identity store.

use aws_sdk_identitystore::types::{AlternateIdentifier, AttributeOperation, UniqueAttribute};
use aws_smithy_types::Document;

use crate::aws::AwsError;

/// Identifies a user or group by the value of an attribute, which is named by its path in the API.
///
/// # Errors
/// When the request cannot be built.
pub fn identifier(operation: &str, path: &str, value: &str) -> Result<AlternateIdentifier, AwsError> {
    let attribute = UniqueAttribute::builder()
        .attribute_path(path)
        .attribute_value(Document::String(value.to_owned()));
    let attribute = attribute
        .build()
        .map_err(|error| AwsError::unbuilt(operation, &error))?;
    Ok(AlternateIdentifier::UniqueAttribute(attribute))
}

/// Sets an attribute, which is named by its path in the API.
///
/// # Errors
/// When the request cannot be built.
pub fn set(operation: &str, path: &str, value: Document) -> Result<AttributeOperation, AwsError> {
    let change = AttributeOperation::builder()
        .attribute_path(path)
        .attribute_value(value);
    change.build().map_err(|error| AwsError::unbuilt(operation, &error))
}
