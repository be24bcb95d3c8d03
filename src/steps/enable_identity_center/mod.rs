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

use super::setting::{Setting, rerun};
use crate::answers::Key;
use crate::answers::values::Region;
use crate::aws::waiting;
use crate::checklist::{
    Change, Choice, Consent, Finding, Found, Guide, NamedConsent, Need, Plan, Question, Right, Slot, Step, StepInfo,
    Trouble,
};
use crate::limits::SPREAD_LIMIT;
use crate::progress::{How, Resource, ResourceKind, Verb};
use reads::{Kind, Seen, Standing};

use super::facts::Instance;

pub use condition::{Condition, Kind as AccountKind};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 1,
    slug: "enable-identity-center",
    title: "Enable IAM Identity Center",
    need: Need::Required,
    why: "It keeps users in one place and hands out short-lived credentials instead of access keys.",
    feeds_others: true,
    rights: &[
        Right::look("organizations:DescribeOrganization"),
        Right::look("organizations:ListDelegatedAdministrators"),
        Right::look("sso:ListInstances"),
        Right::look("sso:DescribeInstance"),
        Right::look("freetier:GetAccountPlanState"),
        Right::change("organizations:CreateOrganization"),
        // "AWS Organizations and service-linked roles": whoever makes an organization makes its role.
        Right::change_on(
            "arn:*:iam::*:role/aws-service-role/organizations.amazonaws.com/*",
            "iam:CreateServiceLinkedRole",
        ),
        Right::change("sso:UpdateInstance"),
    ],
};

const CREATE_ORGANIZATION: &str = "create-organization";
const ACCEPT_FREE_PLAN_END: &str = "accept-free-plan-end";
const ENABLE_PERMISSION_SETS: &str = "enable-permission-sets";

/// The flags of consents that this step needs by name, as no other step does.
pub const CONSENTS: [&str; 3] = [CREATE_ORGANIZATION, ACCEPT_FREE_PLAN_END, ENABLE_PERMISSION_SETS];

// Evidence that the plan goes by.
const ORGANIZATION: &str = "organization";
const ACCOUNT_PLAN: &str = "account-plan";
const INSTANCE: &str = "instance";
const STATUS: &str = "status";
const NONE: &str = "none";
/// The management account, where this one is its delegated administrator.
const ADMINISTERED_FOR: &str = "administered-for";

/// Step 1.
pub struct EnableIdentityCenter {
    setting: Rc<Setting>,
    /// Whether every Region has been asked by itself, which is done once a run.
    swept: Cell<bool>,
    /// What has been read before the first look.
    known: RefCell<Option<Standing>>,
}

impl EnableIdentityCenter {
    /// A step that has not looked yet.
    pub fn new(setting: Rc<Setting>) -> Self {
        Self {
            setting,
            swept: Cell::new(false),
            known: RefCell::default(),
        }
    }

    /// What stands in the account: what has been read before the first look, else as it is now.
    async fn standing(&self) -> Result<Standing, Trouble> {
        if let Some(known) = self.known.take() {
            return Ok(known);
        }
        let setting = &self.setting;
        let has_organization = || {
            let kind = ResourceKind::Organization;
            setting
                .progress
                .read(|record| record.resources.iter().any(|resource| resource.kind == kind))
        };
        // An organization of ours that does not show has not spread to wherever we asked: without it our instance would
        // be taken for one that is in the way.
        // And one answer alone makes no account instance of an instance, which a person would then be told to delete.
        let seen = Cell::new(0);
        let shows = || async {
            let standing = reads::standing(setting, &self.swept).await.map_err(rerun(&INFO))?;
            seen.set(seen.get() + 1);
            let is_odd = standing.organization.is_none() && standing.instance.is_some();
            let is_stale = is_odd && (seen.get() == 1 || has_organization());
            Ok::<_, Trouble>((!is_stale).then_some(standing))
        };
        if let Some(standing) = waiting::until(setting.timing, SPREAD_LIMIT, shows).await? {
            return Ok(standing);
        }
        reads::standing(setting, &self.swept).await.map_err(rerun(&INFO))
    }

    /// What kind of account this is, and where Identity Center stands. The first look goes by the same answers.
    ///
    /// # Errors
    /// When AWS cannot be asked.
    pub async fn condition(&self) -> Result<Condition, Trouble> {
        let standing = self.standing().await?;
        let condition = condition::of(&standing, &self.setting.caller.account, self.judge(&standing));
        self.known.replace(Some(standing));
        Ok(condition)
    }

    fn judge(&self, standing: &Standing) -> Finding {
        let account = &self.setting.caller.account;
        let mut finding = match &standing.instance {
            Some(seen) => self.judge_instance(standing, seen),
            None => self.judge_organization(standing),
        };
        finding.evidence.insert("account", account.clone());
        let organization = standing.organization.as_ref();
        let id = organization.map_or(NONE, |organization| organization.id.as_str());
        finding.evidence.insert(ORGANIZATION, id.to_owned());
        if let Some(organization) = organization {
            let name = format!("of account {}", organization.management_account);
            let resource = self
                .setting
                .resource(ResourceKind::Organization, &name, &organization.id);
            finding.resources.insert(0, resource);
        }
        if let Some(plan) = &standing.plan {
            finding.evidence.insert(ACCOUNT_PLAN, plan.word().to_owned());
        }
        finding
    }

    fn judge_instance(&self, standing: &Standing, seen: &Seen) -> Finding {
        let account = &self.setting.caller.account;
        let region = &seen.region;
        let finding = match standing.kind_of(seen, account) {
            Kind::SomebodyElses => Finding::blocked(
                format!(
                    "The Identity Center here belongs to account {}, the organization's management account.",
                    seen.owner
                ),
                format!(
                    "run idc-setup with credentials of account {}: idc-setup run --profile NAME",
                    seen.owner
                ),
            ),
            Kind::AccountInstance => Finding::blocked(
                format!(
                    "There is an account instance in {region}. It has no permission sets and no access to accounts, and it blocks the instance that is wanted."
                ),
                "delete it (console → IAM Identity Center → Settings → Management → Delete instance), then: idc-setup run",
            ),
            Kind::OrganizationInstance => self.judge_organization_instance(seen),
        };
        let finding = if standing.is_delegated {
            finding.with(ADMINISTERED_FOR, &seen.owner)
        } else {
            finding
        };
        finding
            .with(INSTANCE, &seen.arn)
            .with("region", region)
            .with(STATUS, &seen.status)
            .with("identity-store", &seen.store)
    }

    fn judge_organization_instance(&self, seen: &Seen) -> Finding {
        let region = &seen.region;
        let wanted = self.setting.answer::<Region>(Key::IdentityCenterRegion);
        if let Some(wanted) = wanted.filter(|wanted| wanted.is_explicit() && wanted.value.as_str() != region) {
            return Finding::different(
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
            "ACTIVE" if seen.permission_sets == Some(false) => Finding::missing(format!(
                "Identity Center is enabled in {region}; permission sets are turned off."
            )),
            "ACTIVE" => Finding::done(format!("Identity Center is enabled in {region}.")),
            "CREATE_FAILED" => Finding::blocked(
                format!("Enabling Identity Center in {region} failed: {reason}."),
                "delete the instance (console → IAM Identity Center → Settings → Management), then: idc-setup run",
            ),
            "DELETE_IN_PROGRESS" => Finding::blocked(
                format!("The Identity Center in {region} is being deleted."),
                "wait until it is gone, then: idc-setup run",
            ),
            _ => Finding::missing(format!("Identity Center is being enabled in {region}.")),
        }
    }

    fn judge_organization(&self, standing: &Standing) -> Finding {
        let account = &self.setting.caller.account;
        match &standing.organization {
            None => Finding::missing("There is no organization and no Identity Center yet."),
            Some(organization) if &organization.management_account != account => Finding::blocked(
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
                let place = self.setting.console.organization_settings(&self.setting.wanted_region());
                Finding::blocked(
                    "The organization has consolidated billing only; Identity Center needs all features.",
                    format!("{} ({}), then: idc-setup run", place.clicks, place.link),
                )
            }
            Some(_) => Finding::missing("There is an organization; Identity Center is not enabled yet."),
        }
        .with(STATUS, NONE)
    }

    /// What is there needs no intent any more. An organization is ours when this account joined it within the time of a
    /// call that we made: the management account joins with the organization's creation.
    async fn settle_intents(&self, standing: &Standing) -> Result<(), Trouble> {
        let setting = &self.setting;
        if let Some(organization) = &standing.organization {
            let intents = setting.open_intents(ResourceKind::Organization, ORGANIZATION);
            let mut resource = None;
            if !intents.is_empty() {
                let joined = reads::joined(setting).await.map_err(rerun(&INFO))?;
                if setting.is_ours(&intents, joined, None) {
                    resource = Some(Resource::new(
                        How::Made,
                        ResourceKind::Organization,
                        format!("of account {}", setting.caller.account),
                        &organization.id,
                    ));
                }
            }
            setting.settle(Verb::Create, ResourceKind::Organization, ORGANIZATION, resource)?;
        }
        if let Some(seen) = standing
            .instance
            .as_ref()
            .filter(|seen| seen.permission_sets == Some(true))
        {
            // Before the intent was written down a look had found it off.
            let kind = ResourceKind::PermissionSetsSwitch;
            let was_begun = setting
                .progress
                .read(|record| record.intents(Verb::Update, kind, &seen.arn).next().is_some());
            let made = was_begun.then(|| Resource::new(How::Made, kind, "permission sets", &seen.arn));
            setting.settle(Verb::Update, kind, &seen.arn, made)?;
        }
        Ok(())
    }
}

#[async_trait(?Send)]
impl Step for EnableIdentityCenter {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Finding, Trouble> {
        let standing = self.standing().await?;
        self.settle_intents(&standing).await?;
        let mut finding = self.judge(&standing);
        if let Some(seen) = &standing.instance
            && standing.kind_of(seen, &self.setting.caller.account) == Kind::OrganizationInstance
        {
            let resource = self.setting.resource(ResourceKind::Instance, &seen.region, &seen.arn);
            finding = finding.of(resource);
            let instance = Instance {
                arn: seen.arn.clone(),
                store: seen.store.clone(),
                region: seen.region.clone(),
                owner: seen.owner.clone(),
            };
            let mut answers = self.setting.answers.borrow_mut();
            answers.found(Key::IdentityCenterRegion, &seen.region);
            if finding.is_done() {
                let region = seen.region.clone();
                self.setting.progress.change(|record| record.region = Some(region))?;
                self.setting.facts.instance.know(instance);
            }
        }
        Ok(finding)
    }

    fn questions(&self, finding: &Finding) -> Vec<Question> {
        let open = finding.found == Found::Missing && !self.setting.has(Key::IdentityCenterRegion);
        open.then(|| Question {
            choices: self.setting.partition().regions().map(Choice::of).collect(),
            ..Question::of(Key::IdentityCenterRegion)
        })
        .into_iter()
        .collect()
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Trouble> {
        let mut plan = Plan::default();
        if finding.found != Found::Missing {
            return Ok(plan);
        }
        let evidence = |name: &str| finding.evidence.get(name).map_or(NONE, String::as_str);
        if evidence(ORGANIZATION) == NONE {
            plan.changes.push(Self::create_organization(finding));
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

    async fn apply(&self, change: &Change, guide: &dyn Guide) -> Result<(), Trouble> {
        let done = if change.kind == ResourceKind::Organization {
            self.apply_create_organization(change).await?;
            "Created an organization; that cannot be taken back."
        } else {
            self.apply_permission_sets_switch(change).await?;
            "Turned permission sets on; that cannot be taken back."
        };
        guide.say(Some(&INFO), done);
        Ok(())
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.setting.facts.instance]
    }
}
