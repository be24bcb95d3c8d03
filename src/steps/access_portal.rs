//! Step 6: the access portal's address, and a person who has been there.
//!
//! No API returns the address; it is derived and then checked without credentials: sso-oidc begins a device
//! authorization only for an address that is right, in the right Region.

use std::rc::Rc;

use async_trait::async_trait;

use super::context::{Context, step_error};
use crate::answers::values::StartUrl;
use crate::answers::{Given, Key};
use crate::aws::{AwsError, AwsErrorKind, portal_address};
use crate::checklist::{
    Change, HumanTask, Importance, Observed, Plan, Prompter, Question, Slot, Status, Step, StepInfo, TaskKind,
    UserError,
};
use crate::next_step::NextSteps;
use crate::sso::{self, Grant};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 6,
    slug: "access-portal",
    title: "Verify the access portal",
    importance: Importance::Recommended,
    why: "It is where you sign in with a browser, and its address is what the AWS CLI needs.",
    feeds_others: true,
    permissions: &[],
};

/// The topic of a person's word that they have been in the portal.
pub const PORTAL: &str = "access-portal";

const ADDRESS: &str = "start_url";

/// Step 6.
pub struct AccessPortal {
    context: Rc<Context>,
}

impl AccessPortal {
    /// A step that has not looked yet.
    pub fn new(context: Rc<Context>) -> Self {
        Self { context }
    }

    /// Whether sso-oidc knows the address, in this Region.
    async fn check(&self, region: &str, address: &str) -> Result<(), AwsError> {
        let context = &self.context;
        let registration = context.registrar.get(&context.clients, region, Grant::Device).await?;
        sso::start(&context.clients, region, &registration, address).await?;
        Ok(())
    }

    /// The first address that Identity Center knows; when none is, the first is shown as what does not work.
    async fn find(&self, region: &str, addresses: &[String]) -> Result<Observed, UserError> {
        for address in addresses {
            match self.check(region, address).await {
                Err(aws_error) if aws_error.kind == AwsErrorKind::Invalid => {}
                checked => {
                    self.context.facts.start_url.know(address.clone());
                    self.context.answers.borrow_mut().found(Key::StartUrl, address);
                    let words =
                        format!("The access portal answers at {address}; nobody has said that they were there.");
                    let observed = match checked {
                        Ok(()) => Observed::missing(words),
                        Err(aws_error) => {
                            let next = "open the address in a browser; when it is right: idc-setup run --confirm access-portal";
                            Observed::unknown(step_error(&INFO, &aws_error, next))
                        }
                    };
                    return Ok(observed.with(ADDRESS, address));
                }
            }
        }
        let address = addresses.first().map_or("", String::as_str);
        Ok(Observed::blocked(
            format!("Identity Center in {region} does not know the portal address {address}."),
            "copy the address from console → IAM Identity Center → Settings → Access portal URL, then: idc-setup run \
             --start-url ADDRESS",
        )
        .with(ADDRESS, address))
    }

    fn visited(address: &str, told: bool) -> Observed {
        let mut observed = Observed::done(format!("The access portal is at {address}.")).with(ADDRESS, address);
        observed.confirmed = told;
        observed
    }
}

#[async_trait(?Send)]
impl Step for AccessPortal {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Observed, UserError> {
        let context = &self.context;
        let Ok(instance) = context.facts.instance.get().await else {
            return Ok(Observed::waits_for("Waits for step 1: there is no portal yet."));
        };
        let mut addresses =
            portal_address::candidates(context.partition(), &instance.arn, &instance.store, &instance.region);
        context.answers.borrow_mut().found(Key::StartUrl, &addresses[0]);
        let given = context.answer::<StartUrl>(Key::StartUrl);
        let explicit = given.as_ref().is_some_and(Given::is_explicit);
        let address = given.map_or_else(|| addresses[0].clone(), |given| given.value.to_string());
        if context.confirmed.contains(PORTAL) {
            context.keep_word(PORTAL, &address, false)?;
        }
        if let Some(word) = context
            .progress
            .read(|record| record.attestation(PORTAL, &address).cloned())
        {
            context.facts.start_url.know(address.clone());
            return Ok(Self::visited(&address, !word.proved));
        }
        if explicit {
            addresses.clear();
        }
        addresses.retain(|other| *other != address);
        addresses.insert(0, address);
        self.find(&instance.region, &addresses).await
    }

    fn questions(&self, _finding: &Observed) -> Vec<Question> {
        Vec::new()
    }

    fn plan(&self, observed: &Observed) -> Result<Plan, UserError> {
        let mut plan = Plan::default();
        if observed.status != Status::Missing {
            return Ok(plan);
        }
        let address = observed.evidence.get(ADDRESS);
        let set = self.context.text(Key::PermissionSet);
        plan.tasks.push(HumanTask {
            sentence: "Open the access portal and sign in.".to_owned(),
            link: address.map(|address| self.context.console.portal(address)),
            code: None,
            clicks: format!(
                "sign in as {} → your account → {set} → Management console",
                self.context.text(Key::Username)
            ),
            command: None,
            alternatives: NextSteps::default(),
            details: vec![
                format!(
                    "Keep the address: it is where you sign in from now on: {}",
                    address.map_or("", String::as_str)
                ),
                "Step 8 proves it when the portal lists the account; to say so without that: --confirm access-portal."
                    .to_owned(),
            ],
            kind: TaskKind::Confirmed(PORTAL),
        });
        Ok(plan)
    }

    async fn apply(&self, _change: &Change, _guide: &dyn Prompter) -> Result<(), UserError> {
        Ok(())
    }

    fn confirmed(&self, topic: &'static str) -> Result<(), UserError> {
        match self.context.facts.start_url.now() {
            Some(address) => self.context.keep_word(topic, &address, false),
            None => Ok(()),
        }
    }

    /// The portal's own list of account and role means that the portal works, whoever clicked.
    fn reconsider(&self, _finding: &Observed) -> Option<Observed> {
        let address = self.context.facts.start_url.now()?;
        let signed_in = self.context.facts.signed_in.now();
        if signed_in.is_some_and(|signed_in| signed_in.portal_shows_access) {
            return Some(Self::visited(&address, false));
        }
        let word = self
            .context
            .progress
            .read(|record| record.attestation(PORTAL, &address).cloned())?;
        Some(Self::visited(&address, !word.proved))
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.start_url]
    }
}
