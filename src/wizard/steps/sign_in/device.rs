//! Signing in with a device code: shows the code and waits for the approval.

use std::time::Duration;

use tokio::time::Instant;

use super::session::{NOT_YET, Session, SignedIn};
use crate::aws::AwsError;
use crate::limits::{MOST_CODES, SLOW_DOWN};
use crate::next_step::NextSteps;
use crate::reconcile::step_error;
use crate::sso::{self, Authorization, Grant, Poll, Registration};
use crate::user_error::UserError;
use crate::wizard::{HumanTask, Prompter, TaskKind, TaskPrompt, while_shown};
use aws_config_file::CachedToken;

impl Session<'_> {
    fn show_code(&self, authorization: &Authorization, prompter: &dyn Prompter) -> Box<dyn TaskPrompt> {
        let first = "Approve only a code that you requested yourself just now.".to_owned();
        prompter.task(
            self.info,
            &HumanTask {
                sentence: format!("Approve the sign-in{}.", self.as_whom()),
                brief: "sign in once",
                link: Some(authorization.page.clone()),
                code: Some(authorization.user_code.clone()),
                path: String::new(),
                choices: Vec::new(),
                command: None,
                alternatives: NextSteps::default(),
                afterward: Some(
                    "If the page shows the same code, choose \"Confirm and continue\", then \"Allow access\"."
                        .to_owned(),
                ),
                help: Vec::new(),
                details: [first].into_iter().chain(self.sign_in_details()).collect(),
                kind: TaskKind::Own,
                proof: None,
            },
            &[],
        )
    }

    /// Starts device authorizations and polls until one is approved; `None` after the time limit.
    pub(super) async fn sign_in_with_code(
        &self,
        limit: Duration,
        prompter: &dyn Prompter,
    ) -> Result<Option<SignedIn>, UserError> {
        let end = Instant::now() + limit;
        for count in 1.. {
            let next_code = Instant::now() + self.timing.code;
            let (registration, authorization) = self.begin().await.map_err(|aws_error| {
                let next = self.again.clone().after("check the access portal URL and its Region");
                step_error(self.info, &aws_error, next)
            })?;
            let task = self.show_code(&authorization, prompter);
            let code_expires = Instant::now() + authorization.expires_in;
            let until = end.min(code_expires);
            let polled = while_shown(task.as_ref(), NOT_YET, self.poll(&registration, &authorization, until));
            match polled.await?? {
                Polled::Token(token) => {
                    drop(task);
                    let registration = registration.to_cached(Grant::Device);
                    return Ok(Some(SignedIn {
                        token: *token,
                        registration,
                    }));
                }
                // Show a new code only when the old one has expired, not at the end of the time limit.
                Polled::CodeExpired if count < MOST_CODES && next_code < end => {
                    // A code can expire at once, and each new one opens a page.
                    tokio::time::sleep_until(next_code).await;
                }
                Polled::TimedOut(_) if count < MOST_CODES && next_code.max(code_expires) < end => {
                    tokio::time::sleep_until(next_code).await;
                }
                Polled::TimedOut(Some(aws_error)) => return Err(self.failed(&aws_error)),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Starts a device authorization. If the service no longer knows the cached registration, registers again.
    async fn begin(&self) -> Result<(Registration, Authorization), AwsError> {
        let begin = async |registration: Registration| {
            let authorization = sso::start(self.clients, &self.region, &registration, &self.profile.start_url).await;
            authorization.map(|authorization| (registration, authorization))
        };
        match begin(self.registration(Grant::Device).await?).await {
            Err(aws_error) if aws_error.is("InvalidClientException") => {
                let registration = self.registrar.get(self.clients, &self.region, Grant::Device).await?;
                begin(registration).await
            }
            other => other,
        }
    }

    async fn poll(
        &self,
        registration: &Registration,
        authorization: &Authorization,
        end: Instant,
    ) -> Result<Polled, UserError> {
        let mut interval = authorization.interval;
        let mut is_outcome_unknown = false;
        loop {
            let mut transient_error = None;
            match sso::poll(self.clients, registration, authorization).await {
                Ok(Poll::Token(token)) => return Ok(Polled::Token(token)),
                Ok(Poll::Pending) => {}
                Ok(Poll::SlowDown) => interval += SLOW_DOWN,
                Ok(Poll::Expired) => return Ok(Polled::CodeExpired),
                Ok(Poll::Refused(aws_error)) => {
                    return Err(self.refused_by("the sign-in was refused in the browser", &aws_error));
                }
                // The connection may fail while the user is away: poll again.
                Err(aws_error) if aws_error.is_transient() => {
                    is_outcome_unknown |= !aws_error.outcome_known();
                    transient_error = Some(aws_error);
                }
                // A lost response may have held the token, which used up the code.
                Err(aws_error) if is_outcome_unknown && aws_error.is("InvalidGrantException") => {
                    return Ok(Polled::CodeExpired);
                }
                Err(aws_error) => return Err(self.failed(&aws_error)),
            }
            if Instant::now() + interval > end {
                return Ok(Polled::TimedOut(transient_error));
            }
            tokio::time::sleep(interval).await;
        }
    }
}

/// The result of polling.
enum Polled {
    /// The user has approved.
    Token(Box<CachedToken>),
    /// The code was used or has expired.
    CodeExpired,
    /// The user did not approve in time. Holds the error if the last poll failed with a transient one.
    TimedOut(Option<AwsError>),
}
