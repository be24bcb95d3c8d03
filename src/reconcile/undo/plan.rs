//! The plan of an undo: a pure function of what was recorded, what was observed, and what the user asked for.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::{Branch, Condition, Elsewhere, Resource};
use crate::ids::AssignmentKey;
use crate::next_step::SetupCommand;
use crate::progress::{Drift, Entry, HandedOver, Origin, Record, Replaced, ResourceId, ResourceKind, Setting};
use crate::reconcile::Manually;
use crate::text::one_line;

/// One resource that was created or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Removal {
    /// What it is, its name, and its id.
    #[serde(flatten)]
    pub entry: Entry,
    /// The slug of the step that created or changed it.
    pub step: &'static str,
    /// What happens to it.
    pub disposition: Disposition,
    /// Why it stays, or which values are restored.
    pub why: Option<String>,
    /// How a user can revert it without this program.
    #[serde(flatten)]
    pub manually: Manually,
    /// Whether someone else uses it, so that AWS would refuse to delete it.
    #[serde(skip)]
    pub in_use: bool,
    /// Whether another tool manages it.
    #[serde(skip)]
    pub is_handed_over: bool,
    /// Set if it is in a file of another environment: the undo there.
    #[serde(skip)]
    pub undo_elsewhere: Option<SetupCommand>,
}

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// It will be deleted.
    Delete,
    /// It no longer exists.
    Gone,
    /// Someone changed it since it was created, and it stays unless `--include-changed` is given. Or someone else uses it,
    /// or something that depends on it stays; then it stays in any case.
    Changed,
    /// It stays in any case.
    Stays,
    /// It was deleted.
    Deleted,
    /// It existed before, and `--update` changed it: its earlier values will be restored.
    Restore,
    /// Its earlier values were restored.
    Restored,
}

impl Disposition {
    /// The word shown on screens.
    pub fn word(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Gone => "gone",
            Self::Changed => "changed",
            Self::Stays => "stays",
            Self::Deleted => "deleted",
            Self::Restore => "restore",
            Self::Restored => "restored",
        }
    }

    /// Whether it is still to be deleted or restored.
    pub fn is_to_do(self) -> bool {
        matches!(self, Self::Delete | Self::Restore)
    }
}

impl Removal {
    /// `user Admin`.
    pub fn name(&self) -> String {
        let name = one_line(&self.entry.name.to_string());
        match self.entry.kind {
            ResourceKind::Instance => format!("IAM Identity Center instance in {name}"),
            ResourceKind::Token => format!("sign-in token of SSO session {name}"),
            ResourceKind::Registration => format!("client registration of SSO session {name}"),
            ResourceKind::ConfigFile => format!("file {}", self.entry.id.file().display()),
            ResourceKind::PermissionSetsSwitch => "setting that enables permission sets".to_owned(),
            ResourceKind::Organization => format!("organization of account {name}"),
            ResourceKind::Trail => format!("CloudTrail trail {name}"),
            ResourceKind::Bucket => format!("S3 bucket {name}"),
            kind => format!("{kind} {name}"),
        }
    }

    /// The branch that it belongs to.
    pub fn branch(&self, kinds: &[&dyn Resource]) -> Branch {
        let row = kinds.iter().find(|row| row.kind() == self.entry.kind);
        row.filter(|_| self.entry.origin == Origin::Created)
            .map_or(Branch::Independent, |row| row.branch())
    }
}

/// A recorded resource or change that undo can revert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// A resource that this program created, to be deleted.
    Created(Entry),
    /// Settings of an existing resource that this program changed, to be restored.
    Changed(Replaced),
}

impl Candidate {
    /// The entry. A changed resource existed before, so undo never deletes it.
    pub fn entry(&self) -> Entry {
        match self {
            Self::Created(entry) => entry.clone(),
            Self::Changed(replaced) => Entry::new(Origin::Existing, replaced.kind, &replaced.name, &replaced.id),
        }
    }
}

/// What was observed of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// A created resource, compared with what was created.
    Created(Condition),
    /// A changed resource, compared with its settings before and after the change; `None` if it no longer exists.
    Changed(Option<Drift>),
    /// It is in a file of another environment.
    Elsewhere(Elsewhere),
    /// This tool manages it.
    HandedOver(String),
}

/// A candidate with what was observed of it.
#[derive(Debug, Clone)]
pub struct ObservedCandidate {
    /// The candidate.
    pub candidate: Candidate,
    /// The slug of the step that created or changed it.
    pub step: &'static str,
    /// What was observed.
    pub observation: Observation,
    /// How a user can revert it without this program.
    pub manually: Manually,
}

/// The candidates in the order in which they are reverted, of one step or of all.
pub fn candidates(record: &Record, kinds: &[&dyn Resource], step: Option<&str>) -> Vec<(Candidate, &'static str)> {
    let mut candidates = Vec::new();
    let wanted = |row: &&&dyn Resource| step.is_none_or(|step| step == row.step());
    for row in kinds.iter().filter(wanted) {
        // The most recent resource of a kind comes first.
        let created = record.resources.iter().rev();
        let created = created.filter(|entry| entry.kind == row.kind() && entry.origin == Origin::Created);
        candidates.extend(created.map(|entry| (Candidate::Created(entry.clone()), row.step())));
    }
    for replaced in record.replaced.iter().rev() {
        let row = kinds.iter().filter(wanted).find(|row| row.kind() == replaced.kind);
        candidates.extend(row.map(|row| (Candidate::Changed(replaced.clone()), row.step())));
    }
    candidates
}

/// The plan: what happens to each candidate.
///
/// It never deletes a resource that this program did not create, and it restores only settings that still have the
/// values that this program set, unless `include_changed` is set. A resource that someone else uses stays in any case.
pub fn plan(observed: &[ObservedCandidate], include_changed: bool) -> Vec<Removal> {
    let mut removals: Vec<Removal> = observed.iter().map(removal).collect();
    if include_changed {
        include_what_has_changed(&mut removals);
    }
    keep_dependencies(&mut removals);
    removals
}

fn removal(observed: &ObservedCandidate) -> Removal {
    let (disposition, why) = match (&observed.candidate, &observed.observation) {
        (_, Observation::Elsewhere(elsewhere)) => (Disposition::Stays, Some(elsewhere.why.clone())),
        (_, Observation::HandedOver(tool)) => (Disposition::Stays, Some(format!("it was handed over to {tool}"))),
        (Candidate::Created(_), Observation::Created(condition)) => match condition {
            Condition::Exists => (Disposition::Delete, None),
            Condition::Gone => (Disposition::Gone, None),
            Condition::Changed(why) | Condition::InUse(why) => (Disposition::Changed, Some(why.clone())),
            Condition::Stays(why) => (Disposition::Stays, Some(why.clone())),
        },
        (Candidate::Changed(replaced), Observation::Changed(drift)) => match drift {
            None | Some(Drift::AsBefore) => (Disposition::Gone, None),
            Some(Drift::AsChanged) => {
                let why = format!("its earlier values: {}", replaced.before_text());
                (Disposition::Restore, Some(why))
            }
            Some(Drift::Modified(names)) => {
                let names: Vec<String> = names.iter().map(Setting::to_string).collect();
                let why = format!("someone changed {} since the update", names.join(", "));
                (Disposition::Changed, Some(why))
            }
        },
        // An observation of another candidate says nothing about this one.
        _ => (Disposition::Stays, Some("it was not checked".to_owned())),
    };
    let undo_elsewhere = match &observed.observation {
        Observation::Elsewhere(elsewhere) => elsewhere.undo.clone(),
        _ => None,
    };
    Removal {
        entry: observed.candidate.entry(),
        step: observed.step,
        disposition,
        why,
        manually: observed.manually.clone(),
        in_use: matches!(observed.observation, Observation::Created(Condition::InUse(_))),
        is_handed_over: matches!(observed.observation, Observation::HandedOver(_)),
        undo_elsewhere,
    }
}

/// Also undoes what was changed since, except for what someone else uses and AWS refuses to delete.
fn include_what_has_changed(removals: &mut [Removal]) {
    for removal in removals {
        if removal.disposition == Disposition::Changed && !removal.in_use {
            removal.disposition = match removal.entry.origin {
                Origin::Created => Disposition::Delete,
                Origin::Existing | Origin::Confirmed => Disposition::Restore,
            };
        }
    }
}

/// A permission set stays as long as an assignment of it stays, and a bucket as long as its trail stays. The user and the group
/// of a membership or an assignment that was handed over stay too.
fn keep_dependencies(removals: &mut [Removal]) {
    let stays = removals
        .iter()
        .filter(|removal| matches!(removal.disposition, Disposition::Changed | Disposition::Stays));
    let stays: Vec<Removal> = stays.cloned().collect();
    for removal in removals
        .iter_mut()
        .filter(|removal| removal.disposition == Disposition::Delete)
    {
        let keeps = |other: &&Removal| {
            let is_used = other.is_handed_over && is_of_principal(&other.entry.id, &removal.entry);
            is_used || depends_on(&other.entry, &removal.entry)
        };
        if let Some(other) = stays.iter().find(keeps) {
            // What is handed over stays for good, so what it needs is not left to be undone later.
            removal.disposition = if other.is_handed_over {
                Disposition::Stays
            } else {
                Disposition::Changed
            };
            removal.why = Some(format!("the {} stays and depends on it", other.name()));
        }
    }
}

/// Keeps what these memberships and assignments need, which were handed over and are not in the plan.
pub(super) fn keep_for_others(removals: &mut [Removal], handed_over: &[HandedOver]) {
    let to_delete = removals.iter_mut();
    for removal in to_delete.filter(|removal| removal.disposition == Disposition::Delete) {
        if let Some(other) = handed_over.iter().find(|other| needs(&other.id, &removal.entry)) {
            let kind = match other.kind {
                ResourceKind::AccountAssignment => "an account assignment",
                _ => "a group membership",
            };
            removal.disposition = Disposition::Stays;
            removal.why = Some(format!("{kind} that was handed over to {} depends on it", other.to));
        }
    }
}

/// Whether a membership or an assignment needs this user, group or permission set.
pub(super) fn needs(id: &ResourceId, other: &Entry) -> bool {
    is_of_principal(id, other) || is_of_set(id, other)
}

fn depends_on(one: &Entry, other: &Entry) -> bool {
    match (one.kind, other.kind) {
        (ResourceKind::AccountAssignment, ResourceKind::PermissionSet) => is_of_set(&one.id, other),
        // The names of a trail and its bucket end with the same nonce.
        (ResourceKind::Trail, ResourceKind::Bucket) => {
            let nonce = |entry: &Entry| entry.name.single().rsplit('-').next().map(str::to_owned);
            nonce(one) == nonce(other)
        }
        _ => false,
    }
}

/// Whether an assignment is one of this permission set.
fn is_of_set(one: &ResourceId, set: &Entry) -> bool {
    let is_same = |key: &AssignmentKey| *key.permission_set == *set.id.single();
    set.kind == ResourceKind::PermissionSet && matches!(one, ResourceId::Assignment(key) if is_same(key))
}

/// Whether a membership or an assignment is one of this user or group.
fn is_of_principal(one: &ResourceId, principal: &Entry) -> bool {
    let id = principal.id.single();
    match (one, principal.kind) {
        (ResourceId::Membership(key), ResourceKind::User) => *key.user == *id,
        (ResourceId::Membership(key), ResourceKind::Group) => *key.group == *id,
        (ResourceId::Assignment(key), ResourceKind::User | ResourceKind::Group) => key.principal.id() == id,
        _ => false,
    }
}

/// The current plan without the changes that the user did not agree to.
pub fn as_agreed(shown: &[Removal], now: Vec<Removal>) -> Vec<Removal> {
    let was_agreed = |removal: &Removal| {
        let same = |other: &&Removal| {
            other.entry.kind == removal.entry.kind
                && other.entry.id == removal.entry.id
                && other.entry.origin == removal.entry.origin
        };
        let before = shown.iter().find(same).map(|before| before.disposition);
        !removal.disposition.is_to_do() || before == Some(removal.disposition)
    };
    now.into_iter().filter(was_agreed).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::ids::Principal;
    use crate::progress::{Record, ResourceName};
    use crate::resources::DELETION_ORDER;

    fn set_arn(set: usize) -> String {
        format!("arn:aws:sso:::permissionSet/ssoins-1/ps-{set}")
    }

    fn entry(kind: ResourceKind, number: usize, origin: Origin) -> Entry {
        let name = format!("{kind} {number}");
        match kind {
            ResourceKind::AccountAssignment => {
                let name = ResourceName::Assignment {
                    account: "123456789012".parse().unwrap(),
                    permission_set: format!("permission set {number}"),
                    principal: "Admins".to_owned(),
                };
                let key = AssignmentKey {
                    account: "123456789012".parse().unwrap(),
                    permission_set: set_arn(number).parse().unwrap(),
                    principal: Principal::Group("g-1".parse().unwrap()),
                };
                Entry::new(origin, kind, name, key)
            }
            ResourceKind::PermissionSet => Entry::new(origin, kind, name, set_arn(number)),
            _ => Entry::new(origin, kind, name, format!("{kind}-{number}")),
        }
    }

    fn replaced(number: usize) -> Replaced {
        Replaced {
            kind: ResourceKind::PermissionSet,
            name: format!("existing {number}").into(),
            id: set_arn(number + 10).into(),
            before: BTreeMap::from([(Setting::SessionDuration, Some("PT1H".to_owned()))]),
            after: BTreeMap::from([(Setting::SessionDuration, Some("PT4H".to_owned()))]),
            rewrites: Vec::new(),
        }
    }

    const SOME_KINDS: [ResourceKind; 7] = [
        ResourceKind::AccountAssignment,
        ResourceKind::PermissionSet,
        ResourceKind::Group,
        ResourceKind::User,
        ResourceKind::Trail,
        ResourceKind::Bucket,
        ResourceKind::Organization,
    ];

    prop_compose! {
        fn entries()(
            all in prop::collection::vec(
                (select(&SOME_KINDS[..]), 0_usize..3, select(&[Origin::Created, Origin::Existing][..])),
                0..12,
            )
        ) -> Vec<Entry> {
            let mut entries: Vec<Entry> = Vec::new();
            for (kind, number, origin) in all {
                let entry = entry(kind, number, origin);
                if entries.iter().all(|other| other.kind != kind || other.id != entry.id) {
                    entries.push(entry);
                }
            }
            entries
        }
    }

    fn condition() -> impl Strategy<Value = Condition> {
        select(vec![
            Condition::Exists,
            Condition::Gone,
            Condition::Changed("a change".to_owned()),
            Condition::InUse("a use".to_owned()),
            Condition::Stays("a reason".to_owned()),
        ])
    }

    fn drift() -> impl Strategy<Value = Option<Drift>> {
        select(vec![
            None,
            Some(Drift::AsBefore),
            Some(Drift::AsChanged),
            Some(Drift::Modified(vec![Setting::SessionDuration])),
        ])
    }

    /// A record, and what is observed of each of its candidates.
    fn observed() -> impl Strategy<Value = (Record, Vec<ObservedCandidate>)> {
        (entries(), 0_usize..3).prop_flat_map(|(entries, changed)| {
            let mut record = Record::new("aws", &"123456789012".parse().unwrap());
            record.resources = entries;
            record.replaced = (0..changed).map(replaced).collect();
            let candidates = candidates(&record, &DELETION_ORDER, None);
            let observations = prop::collection::vec((condition(), drift()), candidates.len());
            observations.prop_map(move |observations| {
                let observed = candidates.iter().cloned().zip(observations);
                let observed = observed.map(|((candidate, step), (condition, drift))| {
                    let observation = match &candidate {
                        Candidate::Created(_) => Observation::Created(condition),
                        Candidate::Changed(_) => Observation::Changed(drift),
                    };
                    ObservedCandidate {
                        candidate,
                        step,
                        observation,
                        manually: Manually::Command(String::new()),
                    }
                });
                (record.clone(), observed.collect())
            })
        })
    }

    fn dispositions(removals: &[Removal]) -> BTreeMap<String, Disposition> {
        let key = |removal: &Removal| format!("{} {} {:?}", removal.entry.kind, removal.entry.id, removal.entry.origin);
        removals
            .iter()
            .map(|removal| (key(removal), removal.disposition))
            .collect()
    }

    proptest! {
        #[test]
        fn only_what_was_created_is_deleted((record, observed) in observed(), include_changed in any::<bool>()) {
            for removal in plan(&observed, include_changed) {
                let origin = record.origin(removal.entry.kind, &removal.entry.id);
                if removal.disposition == Disposition::Delete {
                    prop_assert_eq!(origin, Some(Origin::Created));
                }
                if removal.disposition == Disposition::Restore {
                    prop_assert!(record.replaced.iter().any(|replaced| replaced.id == removal.entry.id));
                }
            }
        }

        #[test]
        fn what_someone_else_uses_stays((_, observed) in observed(), include_changed in any::<bool>()) {
            for (removal, observed) in plan(&observed, include_changed).iter().zip(&observed) {
                let stays = matches!(
                    observed.observation,
                    Observation::Created(Condition::InUse(_) | Condition::Stays(_))
                );
                prop_assert!(!stays || !removal.disposition.is_to_do());
                let is_changed = matches!(
                    observed.observation,
                    Observation::Created(Condition::Changed(_)) | Observation::Changed(Some(Drift::Modified(_)))
                );
                prop_assert!(!is_changed || include_changed || !removal.disposition.is_to_do());
            }
        }

        #[test]
        fn what_a_remaining_resource_needs_stays((_, observed) in observed(), include_changed in any::<bool>()) {
            let removals = plan(&observed, include_changed);
            let is_left = |removal: &&Removal| {
                matches!(removal.disposition, Disposition::Changed | Disposition::Stays)
            };
            for left in removals.iter().filter(is_left) {
                for other in removals.iter().filter(|other| depends_on(&left.entry, &other.entry)) {
                    prop_assert!(other.disposition != Disposition::Delete, "{} needs {}", left.name(), other.name());
                }
            }
        }

        #[test]
        fn the_order_of_the_observations_does_not_matter((_, observed) in observed(), include_changed in any::<bool>()) {
            let mut reversed = observed.clone();
            reversed.reverse();
            prop_assert_eq!(
                dispositions(&plan(&observed, include_changed)),
                dispositions(&plan(&reversed, include_changed))
            );
        }

        #[test]
        fn a_plan_that_was_applied_leaves_nothing_to_do((_, observed) in observed(), include_changed in any::<bool>()) {
            let applied = plan(&observed, include_changed);
            let now: Vec<ObservedCandidate> = observed
                .into_iter()
                .zip(&applied)
                .map(|(observed, removal)| match (removal.disposition, &observed.candidate) {
                    (Disposition::Delete, _) => ObservedCandidate {
                        observation: Observation::Created(Condition::Gone),
                        ..observed
                    },
                    (Disposition::Restore, _) => ObservedCandidate {
                        observation: Observation::Changed(Some(Drift::AsBefore)),
                        ..observed
                    },
                    _ => observed,
                })
                .collect();
            let again = plan(&now, include_changed);
            prop_assert!(again.iter().all(|removal| !removal.disposition.is_to_do()));
        }

        #[test]
        fn nothing_is_undone_that_was_not_agreed_to(
            (_, shown) in observed(),
            seed in prop::collection::vec((condition(), drift()), 24),
            include_changed in any::<bool>(),
        ) {
            let now = shown.iter().cloned().zip(seed).map(|(observed, (condition, drift))| ObservedCandidate {
                observation: match observed.observation {
                    Observation::Created(_) => Observation::Created(condition),
                    _ => Observation::Changed(drift),
                },
                ..observed
            });
            let now: Vec<ObservedCandidate> = now.collect();
            let shown = plan(&shown, include_changed);
            let before = dispositions(&shown);
            let agreed = as_agreed(&shown, plan(&now, include_changed));
            for (key, disposition) in dispositions(&agreed) {
                prop_assert!(!disposition.is_to_do() || before.get(&key) == Some(&disposition), "{key}");
            }
        }
    }

    #[test]
    fn what_was_handed_over_stays_with_what_it_needs() {
        let assignment = entry(ResourceKind::AccountAssignment, 0, Origin::Created);
        let set = entry(ResourceKind::PermissionSet, 0, Origin::Created);
        let group = Entry::new(Origin::Created, ResourceKind::Group, "Admins", "g-1");
        let other = Entry::new(Origin::Created, ResourceKind::Group, "Others", "g-2");
        let exists = || Observation::Created(Condition::Exists);
        let observed = [
            (assignment, Observation::HandedOver("terraform".to_owned())),
            (set, exists()),
            (group, exists()),
            (other, exists()),
        ];
        let observed = observed.map(|(entry, observation)| ObservedCandidate {
            candidate: Candidate::Created(entry),
            step: "",
            observation,
            manually: Manually::Command(String::new()),
        });
        let dispositions: Vec<Disposition> = plan(&observed, true)
            .iter()
            .map(|removal| removal.disposition)
            .collect();
        assert_eq!(
            dispositions,
            [
                Disposition::Stays,
                Disposition::Stays,
                Disposition::Stays,
                Disposition::Delete
            ]
        );
    }

    #[test]
    fn what_a_handed_over_assignment_of_another_origin_needs_stays() {
        let assignment = entry(ResourceKind::AccountAssignment, 0, Origin::Existing);
        let mut record = Record::new("aws", &"123456789012".parse().unwrap());
        record.hand_over(assignment.kind, &assignment.id, "terraform");
        let group = Entry::new(Origin::Created, ResourceKind::Group, "Admins", "g-1");
        let entries = [
            entry(ResourceKind::PermissionSet, 0, Origin::Created),
            entry(ResourceKind::PermissionSet, 1, Origin::Created),
            group,
        ];
        let observed = entries.map(|entry| ObservedCandidate {
            candidate: Candidate::Created(entry),
            step: "",
            observation: Observation::Created(Condition::Exists),
            manually: Manually::Command(String::new()),
        });
        let mut removals = plan(&observed, false);
        keep_for_others(&mut removals, &record.handed_over);
        let dispositions: Vec<Disposition> = removals.iter().map(|removal| removal.disposition).collect();
        assert_eq!(
            dispositions,
            [Disposition::Stays, Disposition::Delete, Disposition::Stays]
        );
    }

    #[test]
    fn assignments_are_deleted_before_their_permission_sets_and_groups() {
        let mut record = Record::new("aws", &"123456789012".parse().unwrap());
        record.resources = [
            ResourceKind::User,
            ResourceKind::Group,
            ResourceKind::PermissionSet,
            ResourceKind::AccountAssignment,
        ]
        .map(|kind| entry(kind, 0, Origin::Created))
        .into();
        let order: Vec<ResourceKind> = candidates(&record, &DELETION_ORDER, None)
            .iter()
            .map(|(candidate, _)| candidate.entry().kind)
            .collect();
        assert_eq!(
            order,
            [
                ResourceKind::AccountAssignment,
                ResourceKind::PermissionSet,
                ResourceKind::Group,
                ResourceKind::User
            ]
        );
        let of_one_step = candidates(&record, &DELETION_ORDER, Some("create-group"));
        assert_eq!(of_one_step.len(), 1);
    }
}
