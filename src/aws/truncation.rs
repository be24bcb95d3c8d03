//! Answers in XML that were cut short on the way. The SDK reads what there is and takes what is missing for not said: half
//! of an ARN would pass for one.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Takes a success whose XML does not end for one that cannot be read.
#[derive(Debug, Clone, Copy)]
pub struct WholeAnswers;

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for WholeAnswers {
    fn name(&self) -> &'static str {
        "WholeAnswers"
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_cut = context.response().is_some_and(|response| {
            let body = response.body().bytes().unwrap_or_default();
            response.status().is_success() && is_cut_short(body)
        });
        if is_cut && let Some(answer @ Ok(_)) = context.output_or_error_mut() {
            *answer = Err(OrchestratorError::response("the XML of the answer does not end".into()));
        }
        Ok(())
    }
}

/// Whether a body begins as XML and does not end with what it began with.
fn is_cut_short(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let pending = text.split('<').skip(1).find(|tag| !tag.starts_with(['?', '!']));
    let Some(tag) = pending.filter(|_| text.starts_with('<')) else {
        return false;
    };
    let name = tag
        .split(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))
        .next()
        .unwrap_or_default();
    let closes_itself = tag.trim_end().ends_with("/>") && text.matches('<').count() <= 2;
    !text.ends_with(&format!("</{name}>")) && !closes_itself
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_that_does_not_end_is_cut_short() {
        let truncation = r#"<?xml version="1.0"?><A xmlns="x"><Arn>arn:aws:sts::1:a</Arn></A>"#;
        assert!(!is_cut_short(truncation.as_bytes()));
        // Behind the declaration, of which nothing is left to read.
        for end in 22..truncation.len() {
            assert!(is_cut_short(&truncation.as_bytes()[..end]), "{end}");
        }
        for other in ["", "{\"a\": 1}", "<A/>", "<?xml version=\"1.0\"?>\n<A x=\"1\"/>\n"] {
            assert!(!is_cut_short(other.as_bytes()), "{other}");
        }
    }
}
