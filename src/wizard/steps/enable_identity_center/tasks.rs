//! The task that only a person can do: choose **Enable** in the console.

use super::EnableIdentityCenter;
use crate::next_step::NextSteps;
use crate::wizard::{HumanTask, TaskKind};

impl EnableIdentityCenter {
    pub(super) fn enable(&self) -> HumanTask {
        let region = self.context.wanted_region();
        let place = self.context.console.enable(&region);
        HumanTask {
            sentence: format!("Enable IAM Identity Center in {region}."),
            brief: "choose Enable in the console",
            link: Some(place.link),
            code: None,
            path: place.path,
            choices: place.choices,
            command: None,
            alternatives: NextSteps::default(),
            afterward: None,
            help: Vec::new(),
            details: vec![
                format!("The Region at the top right must be {region}. To change it later, you have to start over."),
                if self.context.is_external() {
                    "Identity source: connect your own (Okta, Entra ID, …) under Settings → Identity source.".to_owned()
                } else {
                    "Identity source: keep \"Identity Center directory\", unless you use Okta, Entra ID or similar."
                        .to_owned()
                },
            ],
            kind: TaskKind::Seen,
            proof: None,
        }
    }
}
