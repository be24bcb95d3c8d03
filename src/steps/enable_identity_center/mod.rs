//! Step 1: an active organization instance of IAM Identity Center in the requested Region.
//!
//! No public API enables an organization instance. This step creates the organization, a person clicks **Enable**, and
//! this step waits for it. `CreateInstance` is never called: it creates an account instance, which has no permission
//! sets and blocks the organization instance.

mod apply;
mod changes;
mod condition;
mod reads;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use async_trait::async_trait;

use super::context::{Context, rerun};
use crate::answers::Key;
use crate::answers::values::Region;
use crate::aws::waiting;
use crate::checklist::{
    Change, Choice, Consent, Importance, NamedConsent, Observed, Permission, Plan, Prompter, Question, Slot, Status,
    Step, StepInfo, UserError,
};
use crate::limits::PROPAGATION_LIMIT;
use crate::next_step::{NextStep, SetupCommand};
use crate::progress::{Origin, Resource, ResourceKind, ResourceName, Verb};
use reads::{AccountState, InstanceKind, ListedInstance};

use super::facts::Instance;

pub use condition::{Condition, Kind as AccountKind};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 1,
    slug: "enable-identity-center",
    title: "Enable IAM Identity Center",
    importance: Importance::Required,
    why: "It manages users in one place and provides short-lived credentials instead of access keys.",
    feeds_others: true,
    permissions: &[
        Permission::look("organizations:DescribeOrganization"),
        Permission::look("organizations:ListAccounts"),
        Permission::look("organizations:ListDelegatedAdministrators"),
        Permission::look("sso:ListInstances"),
        Permission::look("sso:DescribeInstance"),
        Permission::look("freetier:GetAccountPlanState"),
        Permission::change("organizations:CreateOrganization"),
        // "AWS Organizations and service-linked roles": creating an organization also creates its service-linked role.
        Permission::change_on(
            "arn:*:iam::*:role/aws-service-role/organizations.amazonaws.com/*",
            "iam:CreateServiceLinkedRole",
        ),
        Permission::change("sso:UpdateInstance"),
    ],
};

const CREATE_ORGANIZATION: &str = "create-organization";
const ACCEPT_FREE_PLAN_END: &str = "accept-free-plan-end";
const ENABLE_PERMISSION_SETS: &str = "enable-permission-sets";

/// The flags of the named consents of this step.
pub const CONSENTS: [&str; 3] = [CREATE_ORGANIZATION, ACCEPT_FREE_PLAN_END, ENABLE_PERMISSION_SETS];

// Names and values of the evidence that the plan is based on.
const ORGANIZATION: &str = "organization";
const ACCOUNT_PLAN: &str = "account_plan";
const INSTANCE: &str = "instance";
const STATUS: &str = "status";
const NONE: &str = "none";
/// The management account, if this account is a delegated administrator.
const ADMINISTERED_FOR: &str = "administered_for";

/// Step 1.
pub struct EnableIdentityCenter {
    context: Rc<Context>,
    /// Whether every Region has been queried individually, which happens once per run.
    swept: Cell<bool>,
    /// The account state that was read before the first check.
    known: RefCell<Option<AccountState>>,
}

impl EnableIdentityCenter {
    /// Creates the step; nothing has been read yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self {
            context,
            swept: Cell::new(false),
            known: RefCell::default(),
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
            let state = reads::account_state(context, &self.swept).await.map_err(rerun(&INFO))?;
            attempts.set(attempts.get() + 1);
            let is_suspect = state.organization.is_none() && state.instance.is_some();
            let is_stale = is_suspect && (attempts.get() == 1 || has_organization());
            Ok::<_, UserError>((!is_stale).then_some(state))
        };
        if let Some(state) = waiting::until(context.timing, PROPAGATION_LIMIT, up_to_date).await? {
            return Ok(state);
        }
        reads::account_state(context, &self.swept).await.map_err(rerun(&INFO))
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
        observed.evidence.insert("account", account.to_string());
        let organization = state.organization.as_ref();
        let id = organization.map_or(NONE, |organization| organization.id.as_str());
        observed.evidence.insert(ORGANIZATION, id.to_owned());
        if let Some(organization) = organization {
            let name = format!("of account {}", organization.management_account);
            let resource = self
                .context
                .resource(ResourceKind::Organization, name, &organization.id);
            observed.resources.insert(0, resource);
        }
        if let Some(plan) = &state.plan {
            observed.evidence.insert(ACCOUNT_PLAN, plan.name().to_owned());
        }
        observed
    }

    fn judge_instance(&self, state: &AccountState, seen: &ListedInstance) -> Observed {
        let account = &self.context.caller.account;
        let region = &seen.region;
        let observed = match state.kind_of(seen, account) {
            InstanceKind::OfAnotherAccount => Observed::blocked(
                format!(
                    "The Identity Center instance belongs to account {}, the organization's management account.",
                    seen.owner
                ),
                run_with_credentials_of(&seen.owner),
            ),
            InstanceKind::AccountInstance => Observed::blocked(
                format!(
                    "There is an account instance in {region}. It has no permission sets and no access to accounts, \
                     and it blocks the organization instance."
                ),
                SetupCommand::run()
                    .after("delete it (console → IAM Identity Center → Settings → Management → Delete instance)"),
            ),
            InstanceKind::OrganizationInstance => self.judge_organization_instance(seen),
        };
        let observed = if state.is_delegated {
            observed.with(ADMINISTERED_FOR, seen.owner.to_string())
        } else {
            observed
        };
        observed
            .with(INSTANCE, seen.arn.to_string())
            .with("region", region.to_string())
            .with(STATUS, &seen.status)
            .with("identity_store", seen.store.to_string())
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
            Some(organization) if &organization.management_account != account => Observed::blocked(
                format!(
                    "Account {account} is a member of an organization. Set up Identity Center in its management \
                     account, {}.",
                    organization.management_account
                ),
                run_with_credentials_of(&organization.management_account),
            ),
            Some(organization) if !organization.all_features => {
                let place = self
                    .context
                    .console
                    .organization_settings(&self.context.wanted_region());
                Observed::blocked(
                    "The organization has consolidated billing only; Identity Center needs all features.",
                    SetupCommand::run().after(format!("{} ({})", place.clicks, place.link)),
                )
            }
            Some(_) => Observed::missing("There is an organization; Identity Center is not enabled yet."),
        }
        .with(STATUS, NONE)
    }

    /// Settles the open intents for what exists by now. We created an organization if this account joined it within the
    /// time limit of one of our calls: the management account joins when the organization is created.
    async fn settle_intents(&self, state: &AccountState) -> Result<(), UserError> {
        let context = &self.context;
        if let Some(organization) = &state.organization {
            let intents = context.open_intents(ResourceKind::Organization, ORGANIZATION);
            let mut resource = None;
            if !intents.is_empty() {
                let joined = reads::joined(context).await.map_err(rerun(&INFO))?;
                if context.is_ours(&intents, joined, None) {
                    resource = Some(Resource::new(
                        Origin::Created,
                        ResourceKind::Organization,
                        format!("of account {}", context.caller.account),
                        &organization.id,
                    ));
                }
            }
            context.settle(Verb::Create, ResourceKind::Organization, ORGANIZATION, resource)?;
        }
        if let Some(seen) = state
            .instance
            .as_ref()
            .filter(|seen| seen.permission_sets == Some(true))
        {
            // Before an intent is recorded, a check shows that permission sets are not enabled.
            let kind = ResourceKind::PermissionSetsSwitch;
            let name = ResourceName::from(&*seen.arn);
            let is_pending = context
                .progress
                .read(|record| record.intents(Verb::Update, kind, &name).next().is_some());
            let enabled = is_pending.then(|| Resource::new(Origin::Created, kind, "permission sets", &seen.arn));
            context.settle(Verb::Update, kind, &name, enabled)?;
        }
        Ok(())
    }
}

/// How to continue where another account has to be used.
fn run_with_credentials_of(account: &str) -> NextStep {
    SetupCommand::run()
        .placeholder("--profile", "NAME")
        .to(format!("use credentials of account {account}"))
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
        if let Some(seen) = &state.instance
            && state.kind_of(seen, &self.context.caller.account) == InstanceKind::OrganizationInstance
        {
            let resource = self.context.resource(ResourceKind::Instance, &*seen.region, &seen.arn);
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
                self.context.facts.instance.set(instance);
            }
        }
        Ok(observed)
    }

    fn questions(&self, observed: &Observed) -> Vec<Question> {
        let open = observed.status == Status::Missing && !self.context.has(Key::IdentityCenterRegion);
        open.then(|| Question {
            choices: self.context.partition().regions().map(Choice::of).collect(),
            ..Question::of(Key::IdentityCenterRegion)
        })
        .into_iter()
        .collect()
    }

    fn plan(&self, observed: &Observed) -> Result<Plan, UserError> {
        let mut plan = Plan::default();
        if observed.status != Status::Missing {
            return Ok(plan);
        }
        let evidence = |name: &str| observed.evidence.get(name).map_or(NONE, String::as_str);
        if evidence(ORGANIZATION) == NONE {
            plan.changes.push(Self::create_organization(observed));
        }
        if evidence(STATUS) == "ACTIVE" {
            plan.changes.push(Change {
                verb: Verb::Update,
                kind: ResourceKind::PermissionSetsSwitch,
                name: evidence(INSTANCE).into(),
                sentence: "Enable permission sets.".to_owned(),
                command: format!(
                    "aws sso-admin update-instance --permission-sets-enabled --instance-arn {}",
                    evidence(INSTANCE)
                ),
                consent: Consent::Named(vec![NamedConsent {
                    flag: ENABLE_PERMISSION_SETS,
                    stake: "Once enabled, permission sets can't be disabled.".to_owned(),
                    is_final: true,
                }]),
            });
        } else {
            plan.tasks.push(self.enable());
        }
        Ok(plan)
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<(), UserError> {
        let message = if change.kind == ResourceKind::Organization {
            self.apply_create_organization(change).await?;
            "Created an organization; this can't be undone by idc-setup."
        } else {
            self.apply_permission_sets_switch(change).await?;
            "Enabled permission sets; this can't be undone."
        };
        prompter.say(Some(&INFO), message);
        Ok(())
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.instance]
    }
}
