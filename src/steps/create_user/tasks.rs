//! What only a person can do about a user: add it by hand, and activate it.

use super::{ACTIVATION, CreateUser};
use crate::answers::Key;
use crate::checklist::{Finding, HumanTask, TaskKind};

impl CreateUser {
    pub(super) fn add_by_hand(&self) -> HumanTask {
        let text = |key| self.setting.text(key);
        let instance = self.setting.facts.instance.now();
        let place = instance.map(|instance| self.setting.console.users(&instance.region, &instance.arn));
        HumanTask {
            sentence: format!("Add the user {} in the console.", text(Key::Username)),
            link: place.as_ref().map(|place| place.link.clone()),
            clicks: place.map_or_else(
                || "console → IAM Identity Center → Users → Add user".to_owned(),
                |place| place.clicks,
            ),
            details: vec![
                format!("Username: {}", text(Key::Username)),
                format!("Email address: {}", text(Key::Email)),
                format!(
                    "First name: {}   Last name: {}",
                    text(Key::GivenName),
                    text(Key::FamilyName)
                ),
                format!("Display name: {}", text(Key::DisplayName)),
                "Leave \"Send an email to the user with password setup instructions\" chosen.".to_owned(),
            ],
            kind: TaskKind::Seen,
        }
    }

    pub(super) fn activate(&self, finding: &Finding) -> HumanTask {
        let evidence = |name: &str| finding.evidence.get(name).cloned();
        let name = evidence("user-name").unwrap_or_else(|| self.setting.text(Key::Username));
        let place = self
            .setting
            .facts
            .instance
            .now()
            .zip(evidence("user-id"))
            .map(|(instance, id)| self.setting.console.user(&instance.region, &instance.arn, &id));
        let by_hand = self.wants_console();
        let first = if by_hand {
            format!(
                "Open the invitation that was mailed to {}, and set a password.",
                self.setting.text(Key::Email)
            )
        } else {
            "A user made by API has no password and gets no mail: choose Reset password there, or turn on Settings → \
             Authentication → Send email OTP and sign in."
                .to_owned()
        };
        HumanTask {
            sentence: format!("Activate the user {name}: set its password."),
            link: place.as_ref().map(|place| place.link.clone()),
            clicks: place.map_or_else(
                || "console → IAM Identity Center → Users → the user → Reset password".to_owned(),
                |place| place.clicks,
            ),
            details: vec![
                first,
                "Mails come from no-reply@signin.aws or no-reply@login.awsapps.com; look in spam too. An invitation is \
                 good for 7 days."
                    .to_owned(),
                "The first sign-in asks to register an MFA device: have your phone or passkey at hand.".to_owned(),
                "Step 8 proves it by signing in; to say so without that: --told activation.".to_owned(),
            ],
            kind: TaskKind::Told(ACTIVATION),
        }
    }
}
