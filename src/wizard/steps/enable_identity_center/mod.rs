//! Step 1: an active organization instance of IAM Identity Center in the requested Region.
//!
//! No public API enables an organization instance. This step creates the organization, a person clicks **Enable**, and
//! this step waits for it. `CreateInstance` is never called: it creates an account instance, which has no permission
//! sets and blocks the organization instance.

mod account_state;
mod condition;
mod tasks;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use account_state::{AccountState, InstanceKind};
use async_trait::async_trait;

use super::context::WizardContext;
use crate::answers::values::Region;
use crate::answers::{Given, Key};
use crate::aws::{regions, waiting};
use crate::limits::PROPAGATION_LIMIT;
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::ResourceKind;
use crate::reconcile::plan::{Address, Node};
use crate::reconcile::{Change, Importance, Instance, Slot, Snapshot, StepInfo, rerun};
use crate::resources::instance::{self, ENABLE_PERMISSION_SETS, ListedInstance};
use crate::resources::item::{ItemField, ItemState};
use crate::resources::organization::{self, ACCEPT_FREE_PLAN_END, AccountPlan, CREATE_ORGANIZATION};
use crate::user_error::UserError;
use crate::wizard::{Applied, Choice, Observed, Prompter, Question, Status, Step, StepPlan};

pub use condition::{Condition, Kind as AccountKind};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 1,
    slug: "enable-identity-center",
    short: "Identity Center",
    title: "Enable IAM Identity Center",
    importance: Importance::Required,
    why: "It manages users in one place and provides temporary credentials instead of access keys.",
    feeds_others: true,
    permissions: &[organization::PERMISSIONS, instance::PERMISSIONS],
};

/// The flags of the named consents of this step.
pub const CONSENTS: [&str; 3] = [CREATE_ORGANIZATION, ACCEPT_FREE_PLAN_END, ENABLE_PERMISSION_SETS];

/// Step 1.
pub struct EnableIdentityCenter {
    context: Rc<WizardContext>,
    /// Whether every Region has been queried individually, which happens once per run.
    swept: Cell<bool>,
    /// The account state that was read before the first check.
    known: RefCell<Option<AccountState>>,
    /// The account state at the last check.
    last: RefCell<Option<AccountState>>,
}

impl EnableIdentityCenter {
    /// Creates the step; nothing has been read yet.
    pub fn new(context: Rc<WizardContext>) -> Self {
        Self {
            context,
            swept: Cell::new(false),
            known: RefCell::default(),
            last: RefCell::default(),
        }
    }

    /// The account state: as read before the first check, or else as it is now.
    async fn account_state(&self) -> Result<AccountState, UserError> {
        if let Some(known) = self.known.take() {
            return Ok(known);
        }
        let context = &self.context;
        let has_organization = || {
            let kind = ResourceKind::Organization;
            context
                .progress
                .read(|record| record.resources.iter().any(|resource| resource.kind == kind))
        };
        // An organization that we created may not have propagated to this endpoint yet. Without it, our instance would
        // be mistaken for an account instance.
        // A single answer never classifies an instance as an account instance, because the user would be asked to
        // delete it.
        let attempts = Cell::new(0);
        let up_to_date = || async {
            let state = account_state::account_state(context, &self.swept)
                .await
                .map_err(rerun(&INFO))?;
            attempts.set(attempts.get() + 1);
            let is_suspect = state.organization.is_none() && state.instance.is_some();
            let is_stale = is_suspect && (attempts.get() == 1 || has_organization());
            Ok::<_, UserError>((!is_stale).then_some(state))
        };
        if let Some(state) = waiting::until(context.timing, PROPAGATION_LIMIT, up_to_date).await? {
            return Ok(state);
        }
        account_state::account_state(context, &self.swept)
            .await
            .map_err(rerun(&INFO))
    }

    /// The kind of account and the state of Identity Center. The first check uses the same answers from AWS.
    ///
    /// # Errors
    /// When the account cannot be read.
    pub async fn condition(&self) -> Result<Condition, UserError> {
        let state = self.account_state().await?;
        let condition = condition::of(&state, &self.context.caller.account, self.judge(&state));
        self.known.replace(Some(state));
        Ok(condition)
    }

    fn judge(&self, state: &AccountState) -> Observed {
        let account = &self.context.caller.account;
        let mut observed = match &state.instance {
            Some(seen) => self.judge_instance(state, seen),
            None => self.judge_organization(state),
        };
        observed.blocks_all = matches!(observed.status, Status::Blocked | Status::Different);
        observed.evidence.account = Some(account.clone());
        let organization = state.organization.as_ref();
        observed.evidence.organization = organization.map(|organization| organization.id.clone());
        if let Some(organization) = organization {
            observed
                .resources
                .insert(0, organization::entry(&self.context, organization));
        }
        observed.evidence.account_plan = state.plan;
        observed
    }

    fn judge_instance(&self, state: &AccountState, seen: &ListedInstance) -> Observed {
        let account = &self.context.caller.account;
        let region = &seen.region;
        let observed = match state.kind_of(seen, account) {
            InstanceKind::OfAnotherAccount => Observed::blocked(not_here(&seen.owner), ask_administrator())
                .or_next(run_with_credentials_of(&seen.owner)),
            InstanceKind::AccountInstance => Observed::blocked(
                format!(
                    "There is an account instance in {region}. It has no permission sets and no access to accounts, \
                     and it blocks the organization instance."
                ),
                SetupCommand::run()
                    .after(
                        "delete it (console → IAM Identity Center → Settings → Management → Delete instance). Its users and \
                         assignments go with it, so see first under Applications who uses it",
                    ),
            ),
            InstanceKind::OrganizationInstance => self.judge_organization_instance(seen),
        };
        observed.with(|evidence| {
            evidence.administered_for = state.is_delegated.then(|| seen.owner.clone());
            evidence.instance = Some(seen.arn.clone());
            evidence.region = Some(region.clone());
            evidence.status = Some(seen.status.clone());
            evidence.identity_store = Some(seen.store.clone());
        })
    }

    fn judge_organization_instance(&self, seen: &ListedInstance) -> Observed {
        let region = &seen.region;
        let requested = self.context.answer::<Region>(Key::IdentityCenterRegion);
        if let Some(requested) =
            requested.filter(|requested| requested.is_explicit() && requested.value.as_str() != &**region)
        {
            return Observed::different(
                format!(
                    "Identity Center is enabled in {region}, not in {} ({}).",
                    requested.value, requested.source
                ),
                SetupCommand::run()
                    .value(Key::IdentityCenterRegion.flag(), region)
                    .to("use the existing instance"),
            )
            .or_next(NextStep::note(
                "to move it, delete it (console → IAM Identity Center → Settings → Management) and start over",
            ));
        }
        let reason = seen.reason.as_deref().unwrap_or("no reason given");
        match seen.status.as_str() {
            "ACTIVE" if seen.permission_sets == Some(false) => Observed::missing(format!(
                "Identity Center is enabled in {region}; permission sets are not enabled."
            )),
            "ACTIVE" => Observed::done(format!("Identity Center is enabled in {region}.")),
            "CREATE_FAILED" => Observed::blocked(
                format!("Enabling Identity Center in {region} failed: {reason}."),
                SetupCommand::run()
                    .after("delete the instance (console → IAM Identity Center → Settings → Management)"),
            ),
            "DELETE_IN_PROGRESS" => Observed::blocked(
                format!("The Identity Center instance in {region} is being deleted."),
                SetupCommand::run().after("wait until it is deleted"),
            ),
            _ => Observed::missing(format!("Identity Center is being enabled in {region}.")),
        }
    }

    fn judge_organization(&self, state: &AccountState) -> Observed {
        let account = &self.context.caller.account;
        match &state.organization {
            None => Observed::missing("There is no organization yet, and Identity Center is not enabled."),
            Some(organization) if &organization.management_account != account => {
                Observed::blocked(not_here(&organization.management_account), ask_administrator())
                    .or_next(run_with_credentials_of(&organization.management_account))
            }
            Some(organization) if !organization.all_features => {
                let place = self
                    .context
                    .console
                    .organization_settings(&self.context.wanted_region());
                Observed::blocked(
                    "The organization has consolidated billing only; Identity Center needs all features.",
                    SetupCommand::run().after(format!("{} ({})", place.clicks(), place.link)),
                )
            }
            Some(_) => Observed::missing("There is an organization; Identity Center is not enabled yet."),
        }
    }

    /// Records what exists, for the plan.
    fn observe(&self, state: &AccountState, observed: &Observed) {
        let active = state.instance.as_ref().filter(|seen| seen.status == "ACTIVE");
        let instance = active.map(|_| match observed.status {
            Status::Different => ItemState::Differs,
            _ => ItemState::Exists,
        });
        // A new instance has permission sets enabled.
        let has_permission_sets = active.is_none_or(|seen| seen.permission_sets != Some(false));
        for (kind, exists) in [
            (ResourceKind::Organization, state.organization.is_some()),
            (ResourceKind::PermissionSetsSwitch, has_permission_sets),
        ] {
            self.context
                .snapshot
                .set(Address::only(kind), exists.then_some(ItemState::Exists));
        }
        self.context
            .snapshot
            .set(Address::only(ResourceKind::Instance), instance);
    }

    /// Settles the open intents for what exists by now.
    async fn settle_intents(&self, state: &AccountState) -> Result<(), UserError> {
        if let Some(organization) = &state.organization {
            organization::settle(&self.context, organization)
                .await
                .map_err(|error| error.of_step(&INFO, SetupCommand::again()))?;
        }
        match &state.instance {
            Some(seen) => instance::settle_permission_sets(&self.context, seen),
            None => Ok(()),
        }
    }
}

/// Why a member account is not the place to set up Identity Center.
fn not_here(management_account: &str) -> String {
    format!("This account can't host Identity Center: it belongs to the organization of {management_account}.")
}

fn ask_administrator() -> NextStep {
    NextStep::note("ask that account's administrator to add you there")
}

/// How to continue where another account has to be used.
fn run_with_credentials_of(account: &str) -> NextStep {
    SetupCommand::run().placeholder("--profile", "NAME").to(format!(
        "run idc-setup with credentials of the management account {account}"
    ))
}

impl EnableIdentityCenter {
    /// The Regions with a name. One that is newer than this version can be typed as a flag.
    fn region_choices(&self) -> Vec<Choice> {
        let named = self.context.partition().regions().filter_map(|region| {
            let name = regions::name_of(&region).filter(|name| !name.is_empty())?;
            Some(Choice {
                label: format!("{name:28} {region}"),
                keywords: regions::country_of(&region),
                value: region.to_string(),
            })
        });
        named.collect()
    }
}

#[async_trait(?Send)]
impl Step for EnableIdentityCenter {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        let state = self.account_state().await?;
        self.settle_intents(&state).await?;
        let mut observed = self.judge(&state);
        self.observe(&state, &observed);
        self.last.replace(Some(state.clone()));
        if let Some(seen) = &state.instance
            && state.kind_of(seen, &self.context.caller.account) == InstanceKind::OrganizationInstance
        {
            let resource = self.context.entry(ResourceKind::Instance, &*seen.region, &seen.arn);
            observed = observed.of(resource);
            let instance = Instance {
                arn: seen.arn.clone(),
                store: seen.store.clone(),
                region: seen.region.clone(),
                owner: seen.owner.clone(),
            };
            let mut answers = self.context.answers.borrow_mut();
            answers.set_existing(Key::IdentityCenterRegion, &*seen.region);
            if observed.is_done() {
                let region = seen.region.clone();
                self.context.progress.change(|record| record.region = Some(region))?;
                self.context.instance.set(instance);
            }
        }
        Ok(observed)
    }

    fn refusable(&self) -> &'static [Key] {
        &[Key::IdentityCenterRegion]
    }

    fn questions(&self, observed: &Observed) -> Vec<Question> {
        // It can't be changed later, so a default is confirmed too.
        let answer = self.context.answer::<Region>(Key::IdentityCenterRegion);
        let is_open = observed.status == Status::Missing && observed.evidence.region.is_none();
        if !is_open || answer.as_ref().is_some_and(Given::is_explicit) {
            return Vec::new();
        }
        vec![Question {
            prompt: "Region for Identity Center (can't be changed later)".to_owned(),
            choices: self.region_choices(),
            default: answer.as_ref().map(|answer| answer.value.to_string()),
            default_source: answer.as_ref().map(|answer| format!("from {}", answer.source)),
            is_confirmation: answer.is_some(),
            ..Question::of(Key::IdentityCenterRegion)
        }]
    }

    fn has_choices(&self, key: Key) -> bool {
        key == Key::IdentityCenterRegion
    }

    async fn choices(&self, _key: Key) -> Result<Vec<Choice>, UserError> {
        Ok(self.region_choices())
    }

    fn covers(&self, address: &Address) -> bool {
        matches!(
            address.kind(),
            Some(ResourceKind::Organization | ResourceKind::Instance | ResourceKind::PermissionSetsSwitch)
        )
    }

    fn nodes(&self) -> Vec<Node<ItemField>> {
        self.context.planned()
    }

    fn snapshot(&self) -> &Snapshot<ItemState> {
        &self.context.snapshot
    }

    fn present(&self, node: &Node<ItemField>, _observed: &Observed, plan: &mut StepPlan) -> Result<(), UserError> {
        let last = self.last.borrow();
        let Some(state) = last.as_ref() else {
            return Ok(());
        };
        match (node.address.kind(), &state.instance) {
            (Some(ResourceKind::Organization), _) => {
                let account_plan = state.plan.unwrap_or(AccountPlan::Unknown);
                plan.changes.push(organization::creation(account_plan));
            }
            (Some(ResourceKind::PermissionSetsSwitch), Some(seen)) => {
                plan.changes.push(instance::enabling_permission_sets(seen));
            }
            (Some(ResourceKind::Instance), _) => plan.tasks.push(self.enable()),
            _ => {}
        }
        Ok(())
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<Applied, UserError> {
        let context = &self.context;
        let message = if change.kind == ResourceKind::Organization {
            organization::create(context, &INFO, change).await?;
            "Created an organization; this can't be undone by idc-setup."
        } else {
            let region = context.instance.now().map(|instance| instance.region);
            let region = region.unwrap_or_else(|| context.wanted_region());
            instance::enable_permission_sets(context, &INFO, &region, change).await?;
            "Enabled permission sets; this can't be undone."
        };
        prompter.say(Some(&INFO), message);
        Ok(Applied::Yes)
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.instance]
    }
}
