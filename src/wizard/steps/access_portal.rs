//! Step 6: the URL of the access portal, and the confirmation that it works.
//!
//! No API returns the URL. It is derived and then checked without credentials: sso-oidc starts a device authorization only
//! for a correct URL, in the correct Region.

use std::rc::Rc;

use async_trait::async_trait;

use super::context::{WizardContext, confirm};
use crate::answers::values::StartUrl;
use crate::answers::{Given, Key};
use crate::aws::{AwsError, AwsErrorKind, portal_address};
use crate::ids::RegionName;
use crate::next_step::SetupCommand;
use crate::reconcile::plan::{Address, Node, Task};
use crate::reconcile::{Importance, Slot, Snapshot, StepInfo, step_error};
use crate::resources::item::{ItemField, ItemState};
use crate::sso::{self, Grant};
use crate::user_error::UserError;
use crate::wizard::{HumanTask, Observed, Proof, Step, StepPlan, TaskKind};

/// This step's entry in the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 6,
    slug: "access-portal",
    short: "Portal",
    title: "Verify the access portal",
    importance: Importance::Recommended,
    why: "You sign in there with a browser, and the AWS CLI needs its URL.",
    feeds_others: true,
    permissions: &[],
};

/// The `--confirm` topic: the user has signed in to the portal.
pub const PORTAL: &str = "access-portal";

/// Step 6.
pub struct AccessPortal {
    context: Rc<WizardContext>,
}

impl AccessPortal {
    /// A step that has not checked the account yet.
    pub fn new(context: Rc<WizardContext>) -> Self {
        Self { context }
    }

    /// Checks that sso-oidc recognizes the URL in this Region.
    async fn check(&self, region: &RegionName, url: &str) -> Result<(), AwsError> {
        let context = &self.context;
        let registration = context.registrar.get(&context.clients, region, Grant::Device).await?;
        sso::start(&context.clients, region, &registration, url).await?;
        Ok(())
    }

    /// Finds the first URL that Identity Center recognizes. If there is none, reports the first one as invalid.
    async fn find(&self, region: &RegionName, urls: &[String]) -> Result<Observed, UserError> {
        for url in urls {
            match self.check(region, url).await {
                Err(aws_error) if aws_error.kind == AwsErrorKind::Invalid => {}
                checked => {
                    self.context.facts.start_url.set(url.clone());
                    self.context.answers.borrow_mut().set_existing(Key::StartUrl, url);
                    let observed = match checked {
                        Ok(()) => Observed::missing(format!(
                            "The access portal is at {url}, but nobody has confirmed that it works."
                        )),
                        Err(aws_error) => {
                            let next = SetupCommand::run()
                                .value("--confirm", PORTAL)
                                .after(format!("open {url} in a browser and check that it works"));
                            Observed::unknown(step_error(&INFO, &aws_error, next))
                        }
                    };
                    return Ok(observed.with(|evidence| evidence.start_url = Some(url.clone())));
                }
            }
        }
        let url = urls.first().map_or("", String::as_str);
        Ok(Observed::blocked(
            format!("Identity Center in {region} does not recognize the access portal URL {url}."),
            SetupCommand::run()
                .placeholder("--start-url", "URL")
                .after("copy the URL from console → IAM Identity Center → Settings → Access portal URL"),
        )
        .with(|evidence| evidence.start_url = Some(url.to_owned())))
    }

    fn done(url: &str, confirmed: bool) -> Observed {
        let mut observed = Observed::done(format!("The access portal is at {url}."))
            .with(|evidence| evidence.start_url = Some(url.to_owned()));
        observed.confirmed = confirmed;
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
        let Ok(instance) = context.instance.get().await else {
            return Ok(Observed::waits_for("Waits for step 1: there is no portal yet."));
        };
        let mut urls =
            portal_address::candidates(context.partition(), &instance.arn, &instance.store, &instance.region);
        context.answers.borrow_mut().set_existing(Key::StartUrl, &urls[0]);
        let given = context.answer::<StartUrl>(Key::StartUrl);
        let explicit = given.as_ref().is_some_and(Given::is_explicit);
        let url = given.map_or_else(|| urls[0].clone(), |given| given.value.to_string());
        if context.confirmed.contains(PORTAL) {
            context.keep_word(PORTAL, &url, false)?;
        }
        let attestation = context
            .progress
            .read(|record| record.attestation(PORTAL, &url).cloned());
        let done = attestation.as_ref().map(|_| ItemState::Exists);
        context.snapshot.set(Address::Task(Task::OpenPortal), done);
        if let Some(attestation) = attestation {
            context.facts.start_url.set(url.clone());
            return Ok(Self::done(&url, !attestation.proved));
        }
        if explicit {
            urls.clear();
        }
        urls.retain(|other| *other != url);
        urls.insert(0, url);
        self.find(&instance.region, &urls).await
    }

    fn covers(&self, address: &Address) -> bool {
        *address == Address::Task(Task::OpenPortal)
    }

    fn nodes(&self) -> Vec<Node<ItemField>> {
        self.context.planned()
    }

    fn snapshot(&self) -> &Snapshot<ItemState> {
        &self.context.snapshot
    }

    fn present(&self, _node: &Node<ItemField>, observed: &Observed, plan: &mut StepPlan) -> Result<(), UserError> {
        let url = observed.evidence.start_url.as_ref();
        let set = self.context.text(Key::PermissionSet);
        plan.tasks.push(HumanTask {
            sentence: "Open the access portal and sign in.".to_owned(),
            brief: "open the access portal",
            link: url.map(|url| self.context.console.portal(url)),
            code: None,
            path: String::new(),
            choices: Vec::new(),
            command: None,
            alternatives: confirm(PORTAL, "to confirm it without step 8"),
            afterward: Some(format!(
                "Sign in as {}. Open your account, and choose {set}.",
                self.context.text(Key::Username)
            )),
            help: Vec::new(),
            details: vec![
                format!(
                    "Save this URL. You sign in there from now on: {}",
                    url.map_or("", String::as_str)
                ),
                "Step 8 confirms this when the portal lists the account.".to_owned(),
            ],
            kind: TaskKind::Confirmed(PORTAL),
            proof: Some(Proof {
                step: "sign-in",
                comes_first: false,
            }),
        });
        Ok(())
    }

    fn confirmed(&self, topic: &'static str) -> Result<(), UserError> {
        match self.context.facts.start_url.now() {
            Some(url) => self.context.keep_word(topic, &url, false),
            None => Ok(()),
        }
    }

    /// If the portal lists the account and the role, it works, regardless of who signed in.
    fn reconsider(&self, _observed: &Observed) -> Option<Observed> {
        let url = self.context.facts.start_url.now()?;
        let signed_in = self.context.facts.signed_in.now();
        let is_proved = signed_in.is_some_and(|signed_in| signed_in.portal_shows_access);
        let attestation = self
            .context
            .progress
            .read(|record| record.attestation(PORTAL, &url).cloned());
        let observed = match (is_proved, attestation) {
            (true, _) => Self::done(&url, false),
            (false, attestation) => Self::done(&url, !attestation?.proved),
        };
        self.context
            .snapshot
            .set(Address::Task(Task::OpenPortal), Some(ItemState::Exists));
        Some(observed)
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.context.facts.start_url]
    }
}
