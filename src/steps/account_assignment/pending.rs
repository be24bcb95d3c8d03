//! Settles the assignments that killed runs requested, regardless of the current answers.

use std::rc::Rc;

use aws_sdk_ssoadmin::types::StatusValues;

use super::super::context::{Context, rerun};
use super::super::facts::{Instance, PermissionSet};
use super::{AccountAssignment, INFO, Subject};
use crate::checklist::UserError;
use crate::ids::{PermissionSetArn, Principal};
use crate::limits::CALL_LIMIT;
use crate::progress::{Intent, Origin, Resource, ResourceKind, ResourceName, Verb};

/// Settles the assignments that killed runs requested, regardless of the current answers. An assignment has the origin
/// `created` if a request of this program created it. Returns `None` while a request is in progress.
///
/// # Errors
/// If a call to AWS fails, or the state can't be saved.
pub async fn settle_pending(context: &Rc<Context>) -> Result<Option<()>, UserError> {
    let Some(instance) = context.facts.instance.now() else {
        return Ok(Some(()));
    };
    let step = AccountAssignment::new(Rc::clone(context));
    let (open, known) = context
        .progress
        .read(|record| (record.intents.clone(), record.resources.clone()));
    let is_pending = |intent: &&Intent| intent.kind == ResourceKind::AccountAssignment && intent.verb == Verb::Create;
    for intent in open.iter().filter(is_pending) {
        let (mut created, mut has_request) = (None, false);
        for subject in subjects(&instance, &known, &intent.name) {
            let intents = std::slice::from_ref(intent);
            let request = step.request_of(&subject, intents).await.map_err(rerun(&INFO))?;
            let Some(request) = request else { continue };
            if request.status == Some(StatusValues::InProgress) {
                return Ok(None);
            }
            has_request = true;
            let has_created = step.has_created(&subject, intents, &request).await;
            if has_created.map_err(rerun(&INFO))? {
                let kind = ResourceKind::AccountAssignment;
                created = Some(Resource::new(Origin::Created, kind, &intent.name, subject.key()));
            }
        }
        let age = context.clients.clock().now().duration_since(intent.at).unsigned_abs();
        if !has_request && age < CALL_LIMIT + context.timing.propagation {
            // The request may not be listed yet.
            return Ok(None);
        }
        // Without a request, the call never reached AWS.
        context.settle(Verb::Create, ResourceKind::AccountAssignment, &intent.name, created)?;
    }
    Ok(Some(()))
}

/// The assignments that a name can refer to. The names come from the intent, and the IDs from the recorded resources.
fn subjects(instance: &Instance, known: &[Resource], name: &ResourceName) -> Vec<Subject> {
    let ResourceName::Assignment {
        account,
        permission_set,
        principal,
    } = name
    else {
        return Vec::new();
    };
    let named = |kind, name: &str| {
        let name = ResourceName::from(name);
        known.iter().filter(move |one| one.kind == kind && one.name == name)
    };
    let mut subjects = Vec::new();
    for set in named(ResourceKind::PermissionSet, permission_set) {
        let groups = named(ResourceKind::Group, principal).filter_map(|group| {
            let id = group.id.single().parse().ok()?;
            Some((Principal::Group(id), group))
        });
        let users = named(ResourceKind::User, principal).filter_map(|user| {
            let id = user.id.single().parse().ok()?;
            Some((Principal::User(id), user))
        });
        let Ok(arn) = set.id.single().parse::<PermissionSetArn>() else {
            continue;
        };
        subjects.extend(groups.chain(users).map(|(principal, known)| Subject {
            instance: instance.clone(),
            set: PermissionSet {
                arn: arn.clone(),
                name: set.name.to_string(),
                is_new: false,
            },
            account: account.clone(),
            principal,
            principal_name: known.name.to_string(),
        }));
    }
    subjects
}
