//! Assignments that killed runs have asked for, whatever the answers are by now.

use std::rc::Rc;

use aws_sdk_ssoadmin::types::{PrincipalType, StatusValues};

use super::super::context::{Context, rerun};
use super::super::facts::{Instance, PermissionSet};
use super::{AccountAssignment, INFO, Subject};
use crate::checklist::UserError;
use crate::limits::CALL_LIMIT;
use crate::progress::{Intent, Origin, Resource, ResourceKind, Verb};

/// Settles what killed runs have asked for, whatever the answers are by now: an assignment is ours when a request of ours
/// made it. `None` while AWS is still at work on one.
///
/// # Errors
/// When AWS cannot be asked, or it cannot be saved.
pub async fn settle_pending(context: &Rc<Context>) -> Result<Option<()>, UserError> {
    let Some(instance) = context.facts.instance.now() else {
        return Ok(Some(()));
    };
    let step = AccountAssignment::new(Rc::clone(context));
    let (open, known) = context
        .progress
        .read(|record| (record.intents.clone(), record.resources.clone()));
    let is_begun = |intent: &&Intent| intent.kind == ResourceKind::AccountAssignment && intent.verb == Verb::Create;
    for intent in open.iter().filter(is_begun) {
        let (mut made, mut is_told) = (None, false);
        for subject in subjects(&instance, &known, &intent.name) {
            let intents = std::slice::from_ref(intent);
            let request = step.request_of(&subject, intents).await.map_err(rerun(&INFO))?;
            let Some(request) = request else { continue };
            if request.status == Some(StatusValues::InProgress) {
                return Ok(None);
            }
            is_told = true;
            let has_made = step.has_made(&subject, intents, &request).await;
            if has_made.map_err(rerun(&INFO))? {
                let kind = ResourceKind::AccountAssignment;
                made = Some(Resource::new(Origin::Created, kind, &intent.name, subject.id()));
            }
        }
        let age = context.clients.clock().now().duration_since(intent.at).unsigned_abs();
        if !is_told && age < CALL_LIMIT + context.timing.propagation {
            // It may still be on its way.
            return Ok(None);
        }
        // What no request tells of never came to AWS.
        context.settle(Verb::Create, ResourceKind::AccountAssignment, &intent.name, made)?;
    }
    Ok(Some(()))
}

/// What an assignment's name may mean: the names are the intent's, the ids those that were written down.
fn subjects(instance: &Instance, known: &[Resource], name: &str) -> Vec<Subject> {
    let mut parts = name.splitn(3, '/');
    let (Some(account), Some(set_name), Some(principal_name)) = (parts.next(), parts.next(), parts.next()) else {
        return Vec::new();
    };
    let named = |kind, name: &str| {
        let name = name.to_owned();
        known.iter().filter(move |one| one.kind == kind && one.name == name)
    };
    let mut subjects = Vec::new();
    for set in named(ResourceKind::PermissionSet, set_name) {
        for (kind, principal_type) in [
            (ResourceKind::Group, PrincipalType::Group),
            (ResourceKind::User, PrincipalType::User),
        ] {
            subjects.extend(named(kind, principal_name).map(|principal| Subject {
                instance: instance.clone(),
                set: PermissionSet {
                    arn: set.id.clone(),
                    name: set.name.clone(),
                    is_new: false,
                },
                account: account.to_owned(),
                principal_type: principal_type.clone(),
                principal: principal.id.clone(),
                principal_name: principal.name.clone(),
            }));
        }
    }
    subjects
}
