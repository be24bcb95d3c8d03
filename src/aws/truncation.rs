//! Detects XML responses that were truncated in transit. The SDK reads what was received and treats the rest as absent:
//! half of an ARN would pass for an ARN.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Turns a success response whose XML is truncated into an error.
#[derive(Debug, Clone, Copy)]
pub struct TruncationCheck;

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for TruncationCheck {
    fn name(&self) -> &'static str {
        "TruncationCheck"
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_truncated_success = context.response().is_some_and(|response| {
            let body = response.body().bytes().unwrap_or_default();
            response.status().is_success() && is_truncated(body)
        });
        if is_truncated_success && let Some(output @ Ok(_)) = context.output_or_error_mut() {
            *output = Err(OrchestratorError::response(
                "the XML of the response is truncated".into(),
            ));
        }
        Ok(())
    }
}

/// Whether a body starts with an XML element and does not end with its closing tag.
fn is_truncated(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let root = text.split('<').skip(1).find(|tag| !tag.starts_with(['?', '!']));
    let Some(tag) = root.filter(|_| text.starts_with('<')) else {
        return false;
    };
    let name = tag
        .split(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))
        .next()
        .unwrap_or_default();
    let is_self_closing = tag.trim_end().ends_with("/>") && text.matches('<').count() <= 2;
    !text.ends_with(&format!("</{name}>")) && !is_self_closing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_without_its_closing_tag_is_truncated() {
        let whole = r#"<?xml version="1.0"?><A xmlns="x"><Arn>arn:aws:sts::1:a</Arn></A>"#;
        assert!(!is_truncated(whole.as_bytes()));
        // From the end of the XML declaration: a shorter text contains no element.
        for end in 22..whole.len() {
            assert!(is_truncated(&whole.as_bytes()[..end]), "{end}");
        }
        for other in ["", "{\"a\": 1}", "<A/>", "<?xml version=\"1.0\"?>\n<A x=\"1\"/>\n"] {
            assert!(!is_truncated(other.as_bytes()), "{other}");
        }
    }
}
