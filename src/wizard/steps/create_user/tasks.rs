//! The tasks that only a person can do: add a user in the console, and activate it.

use super::super::context::confirm;
use super::{ACTIVATION, CreateUser, NO_PASSWORD_YET};
use crate::answers::Key;
use crate::aws::Partition;
use crate::next_step::NextSteps;
use crate::progress::Origin;
use crate::wizard::{HumanTask, Observed, Proof, TaskKind};

impl CreateUser {
    pub(super) fn add_in_console(&self) -> HumanTask {
        let text = |key| self.context.text(key);
        let instance = self.context.instance.now();
        let place = instance.map(|instance| self.context.console.users(&instance.region, &instance.arn));
        HumanTask {
            sentence: format!("Add the user {} in the console.", text(Key::Username)),
            brief: "add the user in the console",
            link: place.as_ref().map(|place| place.link.clone()),
            code: None,
            path: place.as_ref().map_or_else(
                || "console → IAM Identity Center → Users".to_owned(),
                |place| place.path.clone(),
            ),
            choices: place.map_or_else(|| vec!["Add user".to_owned()], |place| place.choices),
            command: None,
            alternatives: NextSteps::default(),
            afterward: None,
            help: Vec::new(),
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
            proof: None,
        }
    }

    /// How the user gets a password. Only a user that this program created is known to have none.
    pub(super) fn activate(&self, observed: &Observed) -> HumanTask {
        let evidence = &observed.evidence;
        let name = evidence.user_name.clone();
        let name = name.unwrap_or_else(|| self.context.text(Key::Username));
        let is_existing = observed
            .resources
            .iter()
            .any(|resource| resource.origin == Origin::Existing);
        let task = HumanTask {
            sentence: format!("Sign in as {name} once."),
            brief: "sign in once",
            link: None,
            code: None,
            path: String::new(),
            choices: Vec::new(),
            command: None,
            alternatives: confirm(ACTIVATION, "to confirm it without step 8"),
            afterward: None,
            help: Vec::new(),
            details: Vec::new(),
            kind: TaskKind::Confirmed(ACTIVATION),
            proof: Some(Proof {
                step: "sign-in",
                comes_first: false,
            }),
        };
        if self.context.is_external() {
            return HumanTask {
                details: vec![format!("{name} signs in with the password of your identity provider.")],
                ..task
            };
        }
        let place = self
            .context
            .instance
            .now()
            .zip(evidence.user_id.as_ref())
            .map(|(instance, id)| self.context.console.user(&instance.region, &instance.arn, id));
        if is_existing {
            let link = place.map_or_else(String::new, |place| format!(" ({})", place.link));
            let reset = format!(
                "Only if {name} {NO_PASSWORD_YET}: console → IAM Identity Center → Users → {name} → Reset password{link}."
            );
            return HumanTask {
                details: vec![
                    format!("{name} existed before, and no API reports whether a password is set."),
                    reset,
                ],
                ..task
            };
        }
        let senders = senders(self.context.partition());
        let task = HumanTask {
            sentence: format!("Set a password for {name}."),
            brief: "set the user's password",
            details: vec!["The first sign-in asks for an MFA device: have your phone or passkey ready.".to_owned()],
            help: vec![
                "A user that is created by API has no password. An invitation is valid for 7 days.".to_owned(),
                self.email_otp(),
                "Step 8 verifies it by signing in.".to_owned(),
            ],
            proof: Some(Proof {
                step: "sign-in",
                comes_first: true,
            }),
            ..task
        };
        if self.context.is_user_added_in_console() {
            let email = self.context.text(Key::Email);
            let afterward = format!("Follow the link in the invitation to {email}, from {senders} (look in spam too).");
            return HumanTask {
                afterward: Some(afterward),
                ..task
            };
        }
        HumanTask {
            link: place.as_ref().map(|place| place.link.clone()),
            path: place.map_or_else(
                || "console → IAM Identity Center → Users → the user".to_owned(),
                |place| place.path,
            ),
            choices: ["Reset password", "Send an email to the user with instructions"]
                .map(str::to_owned)
                .to_vec(),
            afterward: Some(format!(
                "Follow the link in the email from {senders} (look in spam too)."
            )),
            ..task
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
