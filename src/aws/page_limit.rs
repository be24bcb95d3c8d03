//! Ends a listing that does not end: a server could return a token for the next page forever.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::limits::{LISTING_LIMIT, MOST_PAGES};
use crate::text::duration_text;

/// Counts the pages after the first one of each operation of a client.
#[derive(Debug, Clone, Default)]
pub struct PageLimit {
    listings: Arc<Mutex<HashMap<String, Listing>>>,
}

#[derive(Debug)]
struct Listing {
    pages: u32,
    began: Instant,
}

impl PageLimit {
    /// Counts a page of an operation. The count starts again with a first page.
    ///
    /// # Errors
    /// If the listing has had too many pages, or takes too long.
    fn count(&self, operation: &str, is_first: bool) -> Result<(), String> {
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        let listing = listings.entry(operation.to_owned()).or_insert(Listing {
            pages: 0,
            began: Instant::now(),
        });
        if is_first {
            listing.pages = 0;
            listing.began = Instant::now();
        }
        listing.pages += 1;
        if listing.pages > MOST_PAGES {
            return Err(format!("the list did not end after {MOST_PAGES} pages"));
        }
        if listing.began.elapsed() > LISTING_LIMIT {
            return Err(format!("the list did not end within {}", duration_text(LISTING_LIMIT)));
        }
        Ok(())
    }
}

/// Whether a request asks for a page after the first one: with a token in the JSON body, in the form, or in the query.
fn has_token(request: &HttpRequest) -> bool {
    const IN_BODY: [&[u8]; 3] = [b"\"NextToken\":\"", b"\"nextToken\":\"", b"Marker="];
    let body = request.body().bytes().unwrap_or_default();
    let query = request.uri().split_once('?').map_or("", |(_, query)| query);
    let in_query = ["next_token=", "nextToken=", "continuation-token=", "marker="];
    IN_BODY
        .iter()
        .any(|token| body.windows(token.len()).any(|part| part == *token))
        || in_query.iter().any(|token| query.contains(token))
}

#[dyn_dispatch_hint]
impl Intercept for PageLimit {
    fn name(&self) -> &'static str {
        "PageLimit"
    }

    fn read_before_signing(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = config.load::<Metadata>() else {
            return Ok(());
        };
        let is_first = !has_token(context.request());
        self.count(metadata.name(), is_first).map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_ends_after_the_limit_and_the_next_one_starts_again() {
        let limit = PageLimit::default();
        for _ in 0..2 {
            assert!(limit.count("ListUsers", true).is_ok());
            for _ in 1..MOST_PAGES {
                assert!(limit.count("ListUsers", false).is_ok());
            }
            assert!(limit.count("ListUsers", false).is_err());
            assert!(limit.count("ListGroups", false).is_ok());
        }
    }
}
