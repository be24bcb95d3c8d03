//! Step 6: the access portal's address, and a person who has been there.
//!
//! No API returns the address; it is derived and then checked without credentials: sso-oidc begins a device
//! authorization only for an address that is right, in the right Region.

use std::rc::Rc;

use async_trait::async_trait;

use super::setting::{Setting, trouble};
use crate::answers::values::StartUrl;
use crate::answers::{Given, Key};
use crate::aws::{Failure, FailureKind, portal_address};
use crate::checklist::{
    Change, Finding, Found, Guide, HumanTask, Need, Plan, Question, Slot, Step, StepInfo, TaskKind, Trouble,
};
use crate::sso::{self, Grant};

/// This step's line of the checklist.
pub const INFO: StepInfo = StepInfo {
    number: 6,
    slug: "access-portal",
    title: "Verify the access portal",
    need: Need::Recommended,
    why: "It is where you sign in with a browser, and its address is what the AWS CLI needs.",
    feeds_others: true,
    rights: &[],
};

/// The topic of a person's word that they have been in the portal.
pub const PORTAL: &str = "access-portal";

const ADDRESS: &str = "start-url";

/// Step 6.
pub struct AccessPortal {
    setting: Rc<Setting>,
}

impl AccessPortal {
    /// A step that has not looked yet.
    pub fn new(setting: Rc<Setting>) -> Self {
        Self { setting }
    }

    /// Whether sso-oidc knows the address, in this Region.
    async fn check(&self, region: &str, address: &str) -> Result<(), Failure> {
        let setting = &self.setting;
        let registration = setting.registrar.get(&setting.clients, region, Grant::Device).await?;
        sso::start(&setting.clients, region, &registration, address).await?;
        Ok(())
    }

    /// The first address that Identity Center knows; when none is, the first is shown as what does not work.
    async fn find(&self, region: &str, addresses: &[String]) -> Result<Finding, Trouble> {
        for address in addresses {
            match self.check(region, address).await {
                Err(failure) if failure.kind == FailureKind::Invalid => {}
                checked => {
                    self.setting.facts.start_url.know(address.clone());
                    self.setting.answers.borrow_mut().found(Key::StartUrl, address);
                    let words =
                        format!("The access portal answers at {address}; nobody has said that they were there.");
                    let finding = match checked {
                        Ok(()) => Finding::missing(words),
                        Err(failure) => {
                            let next =
                                "open the address in a browser; when it is right: idc-setup run --told access-portal";
                            Finding::unknown(trouble(&INFO, &failure, next))
                        }
                    };
                    return Ok(finding.with(ADDRESS, address));
                }
            }
        }
        let address = addresses.first().map_or("", String::as_str);
        Ok(Finding::blocked(
            format!("Identity Center in {region} does not know the portal address {address}."),
            "copy the address from console → IAM Identity Center → Settings → Access portal URL, then: idc-setup run \
             --start-url ADDRESS",
        )
        .with(ADDRESS, address))
    }

    fn visited(address: &str, told: bool) -> Finding {
        let mut finding = Finding::done(format!("The access portal is at {address}.")).with(ADDRESS, address);
        finding.told = told;
        finding
    }
}

#[async_trait(?Send)]
impl Step for AccessPortal {
    fn info(&self) -> &'static StepInfo {
        &INFO
    }

    async fn look(&self) -> Result<Finding, Trouble> {
        let setting = &self.setting;
        let Ok(instance) = setting.facts.instance.get().await else {
            return Ok(Finding::waits_for("Waits for step 1: there is no portal yet."));
        };
        let mut addresses =
            portal_address::candidates(setting.partition(), &instance.arn, &instance.store, &instance.region);
        setting.answers.borrow_mut().found(Key::StartUrl, &addresses[0]);
        let given = setting.answer::<StartUrl>(Key::StartUrl);
        let explicit = given.as_ref().is_some_and(Given::is_explicit);
        let address = given.map_or_else(|| addresses[0].clone(), |given| given.value.to_string());
        if setting.told.contains(PORTAL) {
            setting.keep_word(PORTAL, &address, false)?;
        }
        if let Some(word) = setting.progress.read(|record| record.word(PORTAL, &address).cloned()) {
            setting.facts.start_url.know(address.clone());
            return Ok(Self::visited(&address, !word.proved));
        }
        if explicit {
            addresses.clear();
        }
        addresses.retain(|other| *other != address);
        addresses.insert(0, address);
        self.find(&instance.region, &addresses).await
    }

    fn questions(&self, _finding: &Finding) -> Vec<Question> {
        Vec::new()
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Trouble> {
        let mut plan = Plan::default();
        if finding.found != Found::Missing {
            return Ok(plan);
        }
        let address = finding.evidence.get(ADDRESS);
        let set = self.setting.text(Key::PermissionSet);
        plan.tasks.push(HumanTask {
            sentence: "Open the access portal and sign in.".to_owned(),
            link: address.map(|address| self.setting.console.portal(address)),
            code: None,
            clicks: format!(
                "sign in as {} → your account → {set} → Management console",
                self.setting.text(Key::Username)
            ),
            details: vec![
                format!(
                    "Keep the address: it is where you sign in from now on: {}",
                    address.map_or("", String::as_str)
                ),
                "Step 8 proves it when the portal lists the account; to say so without that: --told access-portal."
                    .to_owned(),
            ],
            kind: TaskKind::Told(PORTAL),
        });
        Ok(plan)
    }

    async fn apply(&self, _change: &Change, _guide: &dyn Guide) -> Result<(), Trouble> {
        Ok(())
    }

    fn told(&self, topic: &'static str) -> Result<(), Trouble> {
        match self.setting.facts.start_url.now() {
            Some(address) => self.setting.keep_word(topic, &address, false),
            None => Ok(()),
        }
    }

    /// The portal's own list of account and role means that the portal works, whoever clicked.
    fn reconsider(&self, _finding: &Finding) -> Option<Finding> {
        let address = self.setting.facts.start_url.now()?;
        let signed_in = self.setting.facts.signed_in.now();
        if signed_in.is_some_and(|signed_in| signed_in.portal_shows_access) {
            return Some(Self::visited(&address, false));
        }
        let word = self
            .setting
            .progress
            .read(|record| record.word(PORTAL, &address).cloned())?;
        Some(Self::visited(&address, !word.proved))
    }

    fn provides(&self) -> Vec<&dyn Slot> {
        vec![&self.setting.facts.start_url]
    }
}
