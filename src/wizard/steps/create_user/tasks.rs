//! The tasks that only a person can do: add a user in the console, and activate it.

use super::super::context::confirm;
use super::{ACTIVATION, CreateUser};
use crate::answers::Key;
use crate::aws::Partition;
use crate::next_step::NextSteps;
use crate::wizard::{HumanTask, Observed, TaskKind};

impl CreateUser {
    pub(super) fn add_in_console(&self) -> HumanTask {
        let text = |key| self.context.text(key);
        let instance = self.context.instance.now();
        let place = instance.map(|instance| self.context.console.users(&instance.region, &instance.arn));
        HumanTask {
            sentence: format!("Add the user {} in the console.", text(Key::Username)),
            link: place.as_ref().map(|place| place.link.clone()),
            code: None,
            clicks: place.map_or_else(
                || "console → IAM Identity Center → Users → Add user".to_owned(),
                |place| place.clicks,
            ),
            command: None,
            alternatives: NextSteps::default(),
            details: vec![
                format!("Username: {}", text(Key::Username)),
                format!("Email address: {}", text(Key::Email)),
                format!(
                    "First name: {}   Last name: {}",
                    text(Key::GivenName),
                    text(Key::FamilyName)
                ),
                format!("Display name: {}", text(Key::DisplayName)),
                "Leave \"Send an email to the user with password setup instructions\" selected.".to_owned(),
            ],
            kind: TaskKind::Seen,
        }
    }

    pub(super) fn activate(&self, observed: &Observed) -> HumanTask {
        let evidence = &observed.evidence;
        let name = evidence.user_name.clone();
        let name = name.unwrap_or_else(|| self.context.text(Key::Username));
        let place = self
            .context
            .instance
            .now()
            .zip(evidence.user_id.as_ref())
            .map(|(instance, id)| self.context.console.user(&instance.region, &instance.arn, id));
        let first = if self.context.is_user_added_in_console() {
            format!(
                "Open the invitation sent to {}, and set a password.",
                self.context.text(Key::Email)
            )
        } else {
            "No email is sent automatically: a user created by API has no password. Choose Reset password there."
                .to_owned()
        };
        HumanTask {
            sentence: format!("Activate the user {name}: set a password."),
            link: place.as_ref().map(|place| place.link.clone()),
            code: None,
            clicks: place.map_or_else(
                || "console → IAM Identity Center → Users → the user → Reset password".to_owned(),
                |place| place.clicks,
            ),
            command: None,
            alternatives: confirm(ACTIVATION, "confirm it without step 8"),
            details: vec![
                first,
                self.email_otp(),
                format!(
                    "Emails come from {}; check your spam folder too. An invitation is valid for 7 days.",
                    senders(self.context.partition())
                ),
                "The first sign-in asks you to register an MFA device: have your phone or passkey ready.".to_owned(),
                "Step 8 verifies it by signing in.".to_owned(),
            ],
            kind: TaskKind::Confirmed(ACTIVATION),
        }
    }

    /// The alternative: a one-time password by email, a setting for all users.
    fn email_otp(&self) -> String {
        let place = self.context.instance.now();
        let place = place.map(|instance| self.context.console.settings(&instance.region, &instance.arn).link);
        let link = place.map_or_else(String::new, |link| format!(" ({link})"));
        format!(
            "Or have AWS email a one-time password at the first sign-in: Settings → Authentication → Standard \
             authentication → Send email OTP{link}."
        )
    }
}

/// The senders of emails ("Email sent to users", and the GovCloud guide).
fn senders(partition: Partition) -> &'static str {
    match partition {
        Partition::GovCloud => "no-reply@us-gov-home.awsapps.com",
        _ => "no-reply@signin.aws or no-reply@login.awsapps.com",
    }
}
