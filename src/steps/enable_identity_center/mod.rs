//! Step 1: an organization instance of IAM Identity Center, active, in the Region that is wanted.
//!
//! No public API enables one: the organization is made here, the **Enable** button is a person's, and the wait
//! in between is ours. `CreateInstance` is never called: it makes an account instance, which has no permission
//! sets and stands in the way.

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
use crate::limits::SPREAD_LIMIT;
use crate::progress::{Origin, Resource, ResourceKind, Verb};
use reads::{Drift, Kind, Seen};

use super::facts::Instance;

pub use condition::{Condition, Kind as AccountKind};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 1,
    slug: "enable-identity-center",
    title: "Enable IAM Identity Center",
    importance: Importance::Required,
    why: "It keeps users in one place and hands out short-lived credentials instead of access keys.",
    feeds_others: true,
    permissions: &[
        Permission::look("organizations:DescribeOrganization"),
        Permission::look("organizations:ListDelegatedAdministrators"),
        Permission::look("sso:ListInstances"),
        Permission::look("sso:DescribeInstance"),
        Permission::look("freetier:GetAccountPlanState"),
        Permission::change("organizations:CreateOrganization"),
        // "AWS Organizations and service-linked roles": whoever makes an organization makes its role.
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

/// The flags of consents that this step needs by name, as no other step does.
pub const CONSENTS: [&str; 3] = [CREATE_ORGANIZATION, ACCEPT_FREE_PLAN_END, ENABLE_PERMISSION_SETS];

// Evidence that the plan goes by.
const ORGANIZATION: &str = "organization";
const ACCOUNT_PLAN: &str = "account_plan";
const INSTANCE: &str = "instance";
const STATUS: &str = "status";
const NONE: &str = "none";
/// The management account, where this one is its delegated administrator.
const ADMINISTERED_FOR: &str = "administered_for";

/// Step 1.
pub struct EnableIdentityCenter {
    context: Rc<Context>,
    /// Whether every Region has been asked by itself, which is done once a run.
    swept: Cell<bool>,
    /// What has been read before the first look.
    known: RefCell<Option<Drift>>,
}

impl EnableIdentityCenter {
    /// A step that has not looked yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self {
            context,
            swept: Cell::new(false),
            known: RefCell::default(),
        }
    }

    /// What stands in the account: what has been read before the first look, else as it is now.
    async fn drift(&self) -> Result<Drift, UserError> {
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
        // An organization of ours that does not show has not spread to wherever we asked: without it our instance would
        // be taken for one that is in the way.
        // And one answer alone makes no account instance of an instance, which a person would then be told to delete.
        let seen = Cell::new(0);
        let shows = || async {
            let drift = reads::drift(context, &self.swept).await.map_err(rerun(&INFO))?;
            seen.set(seen.get() + 1);
            let is_odd = drift.organization.is_none() && drift.instance.is_some();
            let is_stale = is_odd && (seen.get() == 1 || has_organization());
            Ok::<_, UserError>((!is_stale).then_some(drift))
        };
        if let Some(drift) = waiting::until(context.timing, SPREAD_LIMIT, shows).await? {
            return Ok(drift);
        }
        reads::drift(context, &self.swept).await.map_err(rerun(&INFO))
    }

    /// What kind of account this is, and where Identity Center stands. The first look goes by the same answers.
    ///
    /// # Errors
    /// When AWS cannot be asked.
    pub async fn condition(&self) -> Result<Condition, UserError> {
        let drift = self.drift().await?;
        let condition = condition::of(&drift, &self.context.caller.account, self.judge(&drift));
        self.known.replace(Some(drift));
        Ok(condition)
    }

    fn judge(&self, drift: &Drift) -> Observed {
        let account = &self.context.caller.account;
        let mut observed = match &drift.instance {
            Some(seen) => self.judge_instance(drift, seen),
            None => self.judge_organization(drift),
        };
        observed.evidence.insert("account", account.clone());
        let organization = drift.organization.as_ref();
        let id = organization.map_or(NONE, |organization| organization.id.as_str());
        observed.evidence.insert(ORGANIZATION, id.to_owned());
        if let Some(organization) = organization {
            let name = format!("of account {}", organization.management_account);
            let resource = self
                .context
                .resource(ResourceKind::Organization, &name, &organization.id);
            observed.resources.insert(0, resource);
        }
        if let Some(plan) = &drift.plan {
            observed.evidence.insert(ACCOUNT_PLAN, plan.word().to_owned());
        }
        observed
    }

    fn judge_instance(&self, drift: &Drift, seen: &Seen) -> Observed {
        let account = &self.context.caller.account;
        let region = &seen.region;
        let observed = match drift.kind_of(seen, account) {
            Kind::SomebodyElses => Observed::blocked(
                format!(
                    "The Identity Center here belongs to account {}, the organization's management account.",
                    seen.owner
                ),
                format!(
                    "run idc-setup with credentials of account {}: idc-setup run --profile NAME",
                    seen.owner
                ),
            ),
            Kind::AccountInstance => Observed::blocked(
                format!(
                    "There is an account instance in {region}. It has no permission sets and no access to accounts, and it blocks the instance that is wanted."
                ),
                "delete it (console → IAM Identity Center → Settings → Management → Delete instance), then: idc-setup run",
            ),
            Kind::OrganizationInstance => self.judge_organization_instance(seen),
        };
        let observed = if drift.is_delegated {
            observed.with(ADMINISTERED_FOR, &seen.owner)
        } else {
            observed
        };
        observed
            .with(INSTANCE, &seen.arn)
            .with("region", region)
            .with(STATUS, &seen.status)
            .with("identity_store", &seen.store)
    }

    fn judge_organization_instance(&self, seen: &Seen) -> Observed {
        let region = &seen.region;
        let wanted = self.context.answer::<Region>(Key::IdentityCenterRegion);
        if let Some(wanted) = wanted.filter(|wanted| wanted.is_explicit() && wanted.value.as_str() != region) {
            return Observed::different(
                format!(
                    "Identity Center is enabled in {region}, not in {} ({}).",
                    wanted.value, wanted.source
                ),
                format!(
                    "go on with the one that is there: idc-setup run --identity-center-region {region}; moving means \
                     deleting the instance (console → Settings → Management) and doing everything anew"
                ),
            );
        }
        let reason = seen.reason.as_deref().unwrap_or("no reason given");
        match seen.status.as_str() {
            "ACTIVE" if seen.permission_sets == Some(false) => Observed::missing(format!(
                "Identity Center is enabled in {region}; permission sets are turned off."
            )),
            "ACTIVE" => Observed::done(format!("Identity Center is enabled in {region}.")),
            "CREATE_FAILED" => Observed::blocked(
                format!("Enabling Identity Center in {region} failed: {reason}."),
                "delete the instance (console → IAM Identity Center → Settings → Management), then: idc-setup run",
            ),
            "DELETE_IN_PROGRESS" => Observed::blocked(
                format!("The Identity Center in {region} is being deleted."),
                "wait until it is gone, then: idc-setup run",
            ),
            _ => Observed::missing(format!("Identity Center is being enabled in {region}.")),
        }
    }

    fn judge_organization(&self, drift: &Drift) -> Observed {
        let account = &self.context.caller.account;
        match &drift.organization {
            None => Observed::missing("There is no organization and no Identity Center yet."),
            Some(organization) if &organization.management_account != account => Observed::blocked(
                format!(
                    "Account {account} is a member of the organization of account {}, where Identity Center is enabled.",
                    organization.management_account
                ),
                format!(
                    "run idc-setup with credentials of account {}: idc-setup run --profile NAME",
                    organization.management_account
                ),
            ),
            Some(organization) if !organization.all_features => {
                let place = self.context.console.organization_settings(&self.context.wanted_region());
                Observed::blocked(
                    "The organization has consolidated billing only; Identity Center needs all features.",
                    format!("{} ({}), then: idc-setup run", place.clicks, place.link),
                )
            }
            Some(_) => Observed::missing("There is an organization; Identity Center is not enabled yet."),
        }
        .with(STATUS, NONE)
    }

    /// What is there needs no intent any more. An organization is ours when this account joined it within the time of a
    /// call that we made: the management account joins with the organization's creation.
    async fn settle_intents(&self, drift: &Drift) -> Result<(), UserError> {
        let context = &self.context;
        if let Some(organization) = &drift.organization {
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
        if let Some(seen) = drift
            .instance
            .as_ref()
            .filter(|seen| seen.permission_sets == Some(true))
        {
            // Before the intent was written down a look had found it off.
            let kind = ResourceKind::PermissionSetsSwitch;
            let was_begun = context
                .progress
                .read(|record| record.intents(Verb::Update, kind, &seen.arn).next().is_some());
            let made = was_begun.then(|| Resource::new(Origin::Created, kind, "permission sets", &seen.arn));
            context.settle(Verb::Update, kind, &seen.arn, made)?;
        }
        Ok(())
    }
}

#[async_trait(?Send)]
impl Step for EnableIdentityCenter {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        let drift = self.drift().await?;
        self.settle_intents(&drift).await?;
        let mut observed = self.judge(&drift);
        if let Some(seen) = &drift.instance
            && drift.kind_of(seen, &self.context.caller.account) == Kind::OrganizationInstance
        {
            let resource = self.context.resource(ResourceKind::Instance, &seen.region, &seen.arn);
            observed = observed.of(resource);
            let instance = Instance {
                arn: seen.arn.clone(),
                store: seen.store.clone(),
                region: seen.region.clone(),
                owner: seen.owner.clone(),
            };
            let mut answers = self.context.answers.borrow_mut();
            answers.found(Key::IdentityCenterRegion, &seen.region);
            if observed.is_done() {
                let region = seen.region.clone();
                self.context.progress.change(|record| record.region = Some(region))?;
                self.context.facts.instance.know(instance);
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
                name: evidence(INSTANCE).to_owned(),
                sentence: "Turn permission sets on.".to_owned(),
                command: format!(
                    "aws sso-admin update-instance --permission-sets-enabled --instance-arn {}",
                    evidence(INSTANCE)
                ),
                consent: Consent::Named(vec![NamedConsent {
                    flag: ENABLE_PERMISSION_SETS,
                    stake: "Once turned on, permission sets cannot be turned off.".to_owned(),
                    is_final: true,
                }]),
            });
        } else {
            plan.tasks.push(self.enable());
        }
        Ok(plan)
    }

    async fn apply(&self, change: &Change, prompter: &dyn Prompter) -> Result<(), UserError> {
        let done = if change.kind == ResourceKind::Organization {
            self.apply_create_organization(change).await?;
            "Created an organization; that cannot be taken back."
        } else {
            self.apply_permission_sets_switch(change).await?;
            "Turned permission sets on; that cannot be taken back."
        };
        prompter.say(Some(&INFO), done);
        Ok(())
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.instance]
    }
}
